/// Someone who acts in a story, with the pronouns that go with the name.
struct Character {
  /// As inside a sentence: "Mia", "the fox".
  let name: String
  let subject: String
  let object: String
  let possessive: String

  static func girl(_ name: String) -> Character {
    Character(name: name, subject: "she", object: "her", possessive: "her")
  }

  static func boy(_ name: String) -> Character {
    Character(name: name, subject: "he", object: "him", possessive: "his")
  }

  static func animal(_ kind: String) -> Character {
    Character(name: "the \(kind)", subject: "it", object: "it", possessive: "its")
  }
}
