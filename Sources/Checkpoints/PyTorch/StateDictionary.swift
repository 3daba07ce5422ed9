import Files

/// The tensors of a pickle that are a model's, and what else it says.
struct StateDictionary {
  /// What training programs call the member that is the model (nanoGPT, lit-gpt: "model"; Lightning: "state_dict";
  /// DeepSpeed: "module"). The first that is there counts.
  private static let names = ["model", "state_dict", "model_state_dict", "module"]

  /// One tensor may have many names, which cost the pickle little: as many as this are more than it could have tensors.
  static let mostTensors = 1 << 16

  let tensors: [(name: String, tensor: PickleTensor)]
  /// The plain values around the tensors.
  let settings: JSONObject

  /// One of the members above that is a dictionary with tensors, or else the whole if it is one.
  init(_ pickle: Pickle) throws(PyTorchFailure) {
    guard case .dictionary = pickle.root, let root = pickle.members(of: pickle.root) else {
      throw .damaged("it holds no dictionary of tensors; save the model's state_dict()")
    }
    let inner = StateDictionary.names.lazy.compactMap { name in
      pickle.member(name, of: pickle.root).flatMap { value in
        StateDictionary.tensors(pickle.members(of: value), pickle).map { (name, $0) }
      }
    }.first
    guard let found = inner?.1 ?? StateDictionary.tensors(root, pickle) else {
      throw .damaged("it holds no dictionary of tensors; save the model's state_dict()")
    }
    guard found.count <= StateDictionary.mostTensors else {
      throw .damaged("it names \(found.count) tensors, expected at most \(StateDictionary.mostTensors)")
    }
    tensors = try StateDictionary.named(found)

    var converter = PickleSettings(pickle)
    var settings = JSONObject()
    for (key, value) in root {
      guard case .string(let key) = key, key != inner?.0, let value = converter.json(value) else { continue }
      settings[key] = value
    }
    self.settings = settings
  }

  /// The members that are tensors; nil if none is.
  private static func tensors(
    _ members: [(key: PickleValue, value: PickleValue)]?, _ pickle: Pickle
  ) -> [(key: PickleValue, tensor: PickleTensor)]? {
    let tensors = (members ?? []).compactMap { member in
      if case .tensor(let number) = member.value { (member.key, pickle.tensors[number]) } else { nil }
    }
    return tensors.isEmpty ? nil : tensors
  }

  private static func named(
    _ tensors: [(key: PickleValue, tensor: PickleTensor)]
  ) throws(PyTorchFailure) -> [(name: String, tensor: PickleTensor)] {
    var names: Set<String> = []
    var named: [(name: String, tensor: PickleTensor)] = []
    for (key, tensor) in tensors {
      guard case .string(let name) = key else { throw .damaged("one of its tensors has a name that is no text") }
      guard names.insert(name).inserted else { throw .damaged("two of its tensors are named \(quoted(name))") }
      named.append((name, tensor))
    }
    return named
  }
}
