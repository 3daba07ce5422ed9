import Files

/// What the attributes of an HDF5 file's groups say about its weights, where Keras wrote it.
struct KerasAttributes {
  static let layerNamesKey = "layer_names"
  static let weightNamesKey = "weight_names"

  /// The root's own, lists joined.
  let root: JSONObject
  /// The weights that are said to be in a group, by the group's path: their paths from the group.
  let weightNames: JSONObject

  /// - Parameter groups: the attributes of each group, by its path; the root's is "".
  init(_ groups: [String: JSONObject]) {
    var weightNames = JSONObject()
    var root = JSONObject()
    for (path, attributes) in groups.sorted(by: { $0.key < $1.key }) {
      var attributes = attributes
      for key in [KerasAttributes.layerNamesKey, KerasAttributes.weightNamesKey] {
        KerasAttributes.join(key, in: &attributes)
      }
      if let names = attributes[KerasAttributes.weightNamesKey] { weightNames[path] = names }
      if path.isEmpty { root = attributes }
    }
    self.root = root
    self.weightNames = weightNames
  }

  /// The root's, `config` as an object if its text is one, and all groups' weights under `weight_names`.
  var settings: JSONObject {
    var settings = root
    if let text = settings["config"]?.string, text.hasPrefix("{") {
      do { settings["config"] = try JSON(parsing: text) } catch {
        // A text that is no JSON stays a text; whoever needs an object says so.
      }
    }
    if !weightNames.isEmpty { settings[KerasAttributes.weightNamesKey] = .object(weightNames) }
    return settings
  }

  /// Keras splits a list that is too long for one attribute into `key0`, `key1`, … (keras, hdf5_format.py,
  /// `save_attributes_to_hdf5_group`).
  private static func join(_ key: String, in values: inout JSONObject) {
    guard values[key] == nil else { return }
    var list: [JSON] = []
    var number = 0
    while let part = values["\(key)\(number)"]?.array {
      list += part
      values["\(key)\(number)"] = nil
      number += 1
    }
    if number > 0 { values[key] = .array(list) }
  }
}
