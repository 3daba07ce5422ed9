/// What a pickle may refer to by name. None of it is Python's: each is a constructor that `PickleMachine` has itself.
enum PickleGlobal {
  /// A dictionary, whatever the class.
  case dictionary
  case namespace
  /// torch._utils._rebuild_tensor (4 arguments), _v2 and _v3, which adds the element type.
  case rebuildTensor
  case rebuildTensorV2
  case rebuildTensorV3
  case rebuildParameter
  /// A tensor with attributes of its own, made by another of these functions.
  case rebuildFromType
  /// Nil: bytes without a type.
  case storage(ElementType?)
  /// Of PyTorch, by its name: "float32".
  case elementType(String)
  case size
  case device
  case path
  /// _codecs.encode, as which Python 3 writes bytes below protocol 3.
  case encode
  case numpyType
  case numpyScalar
  /// A class whose objects can be ignored.
  case inert

  /// Nil for a name that is not on the list.
  init?(module: String, name: String) {
    guard let found = PickleGlobal.names["\(module).\(name)"] else { return nil }
    self = found
  }

  private static let names: [String: PickleGlobal] = {
    var names: [String: PickleGlobal] = [
      "collections.OrderedDict": .dictionary, "argparse.Namespace": .namespace,
      // Lightning's hyperparameters; both are dictionaries.
      "pytorch_lightning.utilities.parsing.AttributeDict": .dictionary,
      "lightning.fabric.utilities.data.AttributeDict": .dictionary,

      "torch._utils._rebuild_tensor": .rebuildTensor, "torch._utils._rebuild_tensor_v2": .rebuildTensorV2,
      "torch._utils._rebuild_tensor_v3": .rebuildTensorV3, "torch._utils._rebuild_parameter": .rebuildParameter,
      "torch._utils._rebuild_parameter_with_state": .rebuildParameter,
      "torch._tensor._rebuild_from_type_v2": .rebuildFromType,
      "torch.Tensor": .inert, "torch.nn.parameter.Parameter": .inert, "torch.nn.parameter.Buffer": .inert,

      "torch.UntypedStorage": .storage(nil), "torch.storage.UntypedStorage": .storage(nil),
      "torch.DoubleStorage": .storage(.float64), "torch.FloatStorage": .storage(.float32),
      "torch.HalfStorage": .storage(.float16), "torch.BFloat16Storage": .storage(.bfloat16),
      "torch.ComplexFloatStorage": .storage(.complex64), "torch.LongStorage": .storage(.int64),
      "torch.IntStorage": .storage(.int32), "torch.ShortStorage": .storage(.int16),
      "torch.CharStorage": .storage(.int8), "torch.ByteStorage": .storage(.uint8), "torch.BoolStorage": .storage(.bool),

      "torch.Size": .size, "torch.device": .device, "_codecs.encode": .encode,
      "pathlib.PosixPath": .path, "pathlib.PurePosixPath": .path, "pathlib.WindowsPath": .path,
      "pathlib.PureWindowsPath": .path, "pathlib._local.PosixPath": .path, "pathlib._local.WindowsPath": .path,

      "numpy.dtype": .numpyType, "numpy.ndarray": .inert,
      "numpy.core.multiarray.scalar": .numpyScalar, "numpy._core.multiarray.scalar": .numpyScalar,
      "numpy.core.multiarray._reconstruct": .inert, "numpy._core.multiarray._reconstruct": .inert,
      "collections.Counter": .inert, "datetime.datetime": .inert, "datetime.timedelta": .inert,
    ]
    // Python 3 calls the module by its old name below protocol 3.
    for module in ["builtins", "__builtin__"] {
      for name in ["set", "frozenset", "bytearray", "complex"] { names["\(module).\(name)"] = .inert }
    }
    for type in ElementType.allCases { names["torch.\(type.torchName)"] = .elementType(type.torchName) }
    names["torch.complex128"] = .elementType("complex128")
    return names
  }()
}
