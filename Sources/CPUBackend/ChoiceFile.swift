import Glibc

/// A file that remembers, across runs and for several machines, what was chosen: a first line that says what it is,
/// then a line for a machine and under it its choices, each "tab, question, tab, choice". The last of a question
/// counts.
///
/// It only grows, by whole lines, under a lock that whoever does not find a choice waits for: processes that ask at
/// once get the same answer, unless one measures for a minute, and one that dies while it writes spoils at most the
/// line it was writing. Lines that are not ours are passed over; a file that has not our first line is begun anew.
struct ChoiceFile {
  let path: String
  /// What choices hold for. Not empty, and neither tabs nor ends of lines in it.
  let machine: String

  private static let firstLine = "inheritune: what multiplies matrices, 1"
  /// Far above what all models need; a larger file is begun anew.
  private static let largest = 1 << 20
  /// Milliseconds to wait for a process that is measuring.
  private static let patience = 60_000

  /// What was chosen for `question`, where that `isUsable`. Else what `choose` says, if it can be remembered: nil where
  /// the file cannot be written, or another process does not let go of it.
  func choice(for question: String, isUsable: (String) -> Bool, choose: () -> String) -> String? {
    let (descriptor, isWritable) = open()
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    guard let text = read(descriptor) else { return nil }
    if let choice = find(question, in: text).choice, isUsable(choice) { return choice }
    guard isWritable, lock(descriptor), let text = read(descriptor) else { return nil }
    let known = find(question, in: text)
    if let choice = known.choice, isUsable(choice) { return choice }

    let chosen = choose()
    var addition = known.isOurs ? "" : ChoiceFile.firstLine + "\n"
    if !known.isMachineLast { addition += machine + "\n" }
    addition += "\t\(question)\t\(chosen)\n"
    let bytes = Array(addition.utf8)
    // In the place of a line that was cut off.
    let end = known.isOurs ? text.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0 : 0
    if end < text.count || !known.isOurs { guard ftruncate(descriptor, off_t(end)) == 0 else { return nil } }
    guard pwrite(descriptor, bytes, bytes.count, off_t(end)) == bytes.count else {
      _ = ftruncate(descriptor, off_t(end))
      return nil
    }
    return chosen
  }

  /// A file that may only be read has its choices too.
  private func open() -> (descriptor: Int32, isWritable: Bool) {
    // Not to wait for the other end, should it be a pipe.
    let flags = O_CLOEXEC | O_NONBLOCK
    let writable = Glibc.open(path, O_RDWR | O_CREAT | flags, 0o666)
    if writable >= 0 { return (writable, true) }
    return (Glibc.open(path, O_RDONLY | flags), false)
  }

  /// Whether others are kept away. A file system without locks is no reason not to remember.
  private func lock(_ descriptor: Int32) -> Bool {
    for _ in 0..<ChoiceFile.patience {
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK { return true }
      usleep(1000)
    }
    return false
  }

  /// The contents, none where there is too much of it; nil where it is no file, or cannot be read.
  private func read(_ descriptor: Int32) -> [UInt8]? {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    let size = Int(status.st_size)
    guard size <= ChoiceFile.largest else { return [] }
    let text = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      count = max(0, pread(descriptor, buffer.baseAddress, size, 0))
    }
    return text.count == size ? text : nil
  }

  /// Whether the file is one of these, what it says, and whether a choice at its end would be one for this machine.
  private func find(_ question: String, in text: [UInt8]) -> (isOurs: Bool, choice: String?, isMachineLast: Bool) {
    // What follows the last end of a line is not whole.
    let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
    guard let first = lines.first, first.elementsEqual(ChoiceFile.firstLine.utf8) else { return (false, nil, false) }
    let start = Array("\t\(question)\t".utf8)
    var choice: String?
    var isMachine = false
    for line in lines.dropFirst() {
      if line.first != UInt8(ascii: "\t") {
        isMachine = line.elementsEqual(machine.utf8)
      } else if isMachine, line.starts(with: start) {
        choice = String(decoding: line.dropFirst(start.count), as: UTF8.self)
      }
    }
    return (true, choice, isMachine)
  }
}
