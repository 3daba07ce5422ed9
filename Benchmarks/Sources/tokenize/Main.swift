import Files
import Glibc
import Tokenization

/// tokenize speed TOKENIZER_DIR TEXT [THREADS] [REPEATS]
/// tokenize ids TOKENIZER_DIR < TEXTS > IDS
@main
struct Main {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    switch arguments.first {
    case "speed": try SpeedCommand(Array(arguments.dropFirst())).run()
    case "ids" where arguments.count == 2:
      var command = try IdsCommand(Array(arguments.dropFirst()))
      command.run()
    default:
      print("usage: tokenize speed TOKENIZER_DIR TEXT [THREADS] [REPEATS]")
      print("       tokenize ids TOKENIZER_DIR < TEXTS > IDS")
      exit(64)
    }
  }
}
