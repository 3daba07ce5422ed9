import Files
import Glibc

/// The files of a tokenizer in a model's directory.
struct TokenizerDirectory {
  enum File: String, CaseIterable {
    case sentencePiece = "tokenizer.model"
    case json = "tokenizer.json"
    case vocabulary = "vocab.json"
    case merges = "merges.txt"
    case configuration = "tokenizer_config.json"
    case specialTokens = "special_tokens_map.json"
    case addedTokens = "added_tokens.json"
    /// The model's; says which ids end a text.
    case generation = "generation_config.json"
  }

  let path: String

  init(_ path: String) throws(FileError) {
    guard access(path, F_OK) == 0 else { throw .notFound(path: path) }
    self.path = path
  }

  /// nil if there is no such file.
  func path(of file: File) -> String? {
    let path = path + "/" + file.rawValue
    return access(path, F_OK) == 0 ? path : nil
  }

  /// Those that belong to the tokenizer.
  var files: [String] { File.allCases.filter { $0 != .generation }.compactMap(path(of:)) }
}
