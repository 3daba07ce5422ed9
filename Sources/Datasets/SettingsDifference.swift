import Files

extension JSONObject {
  /// The first setting that differs from `other`: its name and both values.
  func firstDifference(from other: JSONObject) -> (setting: String, before: String, now: String)? {
    for (key, now) in other where self[key] != now {
      if key == "inputs", let before = self[key]?.array, let now = now.array {
        if before.count != now.count { return ("inputs", "\(before.count) files", "\(now.count) files") }
        for (old, new) in zip(before, now) where old != new {
          return ("input", old.serialized(), new.serialized())
        }
      }
      return (key, self[key]?.serialized() ?? "absent", now.serialized())
    }
    for (key, before) in self where other[key] == nil { return (key, before.serialized(), "absent") }
    return nil
  }
}
