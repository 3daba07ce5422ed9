/// The kinds of words that a story's facts are made of. No word stands in two categories.
enum Category {
  case girl, boy, animal, petName, thing, spot, place, food, good, trade, number

  /// Nouns, names and phrases as they stand in a sentence, without an article. There are enough of each that no story runs out.
  var words: [String] {
    switch self {
    case .girl: ["Mia", "Anna", "Lily", "Rosa", "Emma", "Nora", "Ruth", "Clara", "Ella", "Jane"]
    case .boy: ["Tom", "Ben", "Max", "Sam", "Jack", "Leo", "Paul", "Finn", "Adam", "Hugo"]
    case .animal: ["fox", "hen", "goat", "duck", "mouse", "cat", "pig", "horse", "bear", "frog", "rabbit", "sheep"]
    case .petName: ["Rex", "Spot", "Pip", "Coco", "Bella", "Nip", "Duke", "Fay"]
    case .thing:
      ["ball", "kite", "drum", "book", "hat", "cup", "rope", "lamp", "bell", "doll", "ring", "key", "flute", "scarf"]
    case .spot:
      [
        "under the bed", "behind the door", "on the shelf", "in the basket", "under the table", "in the drawer",
        "on the chair", "under the rug", "in the jar", "behind the stove", "in the chest", "on the wall",
      ]
    case .place:
      [
        "mill", "bridge", "lake", "church", "market", "school", "garden", "barn", "forest", "river", "tower", "well",
        "hill", "cave",
      ]
    case .food: ["pears", "plums", "apples", "nuts", "cherries", "berries", "carrots", "beans", "figs", "grapes"]
    case .good: ["bread", "honey", "wool", "milk", "corn", "salt", "cheese", "wood", "butter", "tea", "soap", "hay"]
    case .trade: ["baker", "miller", "farmer", "smith", "tailor", "fisher", "weaver", "cook", "shepherd", "doctor"]
    case .number: Category.numbers
    }
  }

  /// What stands before each word: a thing has a colour, a place a look. Named in full each time, they give a model that starts
  /// to look back something easy to find.
  var qualities: [String] {
    switch self {
    case .thing: ["red", "blue", "green", "yellow", "white", "black", "brown", "pink", "grey", "purple"]
    case .place: ["old", "new", "big", "little", "dark", "hidden", "wide", "pretty", "lonely", "sunny"]
    default: []
    }
  }

  private static let numbers = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
  ]

  /// The word for 1...12.
  static func word(for number: Int) -> String { numbers[number - 1] }
}
