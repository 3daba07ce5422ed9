/// The opcodes that are interpreted: those that Python's pickler writes for torch.save in protocols 1 to 5.
/// (CPython, Lib/pickle.py and pickletools.py.) INST, OBJ and EXT, which make objects of any class, are not among them.
enum PickleOpcode: UInt8 {
  case proto = 0x80
  case frame = 0x95
  case stop = 0x2E  // .
  case mark = 0x28  // (
  case pop = 0x30  // 0
  case popMark = 0x31  // 1

  case none = 0x4E  // N
  case newTrue = 0x88
  case newFalse = 0x89
  /// A line of digits, or 00 and 01 for false and true.
  case int = 0x49  // I
  case binInt = 0x4A  // J
  case binInt1 = 0x4B  // K
  case binInt2 = 0x4D  // M
  /// A line of digits and an L.
  case long = 0x4C  // L
  case long1 = 0x8A
  case long4 = 0x8B
  /// Big-endian, unlike everything else.
  case binFloat = 0x47  // G

  case shortBinString = 0x55  // U
  case binString = 0x54  // T
  case shortBinBytes = 0x43  // C
  case binBytes = 0x42  // B
  case binBytes8 = 0x8E
  case byteArray8 = 0x96
  case shortBinUnicode = 0x8C
  case binUnicode = 0x58  // X
  case binUnicode8 = 0x8D

  case emptyList = 0x5D  // ]
  case list = 0x6C  // l
  case append = 0x61  // a
  case appends = 0x65  // e
  case emptyTuple = 0x29  // )
  case tuple = 0x74  // t
  case tuple1 = 0x85
  case tuple2 = 0x86
  case tuple3 = 0x87
  case emptyDict = 0x7D  // }
  case dict = 0x64  // d
  case setItem = 0x73  // s
  case setItems = 0x75  // u
  case emptySet = 0x8F
  case addItems = 0x90
  case frozenSet = 0x91

  case binGet = 0x68  // h
  case longBinGet = 0x6A  // j
  case binPut = 0x71  // q
  case longBinPut = 0x72  // r
  case memoize = 0x94

  case global = 0x63  // c
  case stackGlobal = 0x93
  case reduce = 0x52  // R
  case newObject = 0x81
  case build = 0x62  // b
  case binPersistentID = 0x51  // Q
}
