import Foundation
import Testing

/// What goes to which stream, and what becomes of it when the stream does not take it.
struct OutputTests {
  /// Runs the program through the shell, for what only a shell redirects; `$0` is the program, `$1` the model.
  private func shell(_ script: String, _ model: String, in folder: Folder) throws -> Command.Outcome {
    try Command.start(["-c", script, Command.path, model], in: folder.path, program: "/bin/sh").finish()
  }

  private func model(_ folder: Folder) throws -> String {
    try folder.prepare(steps: 4)
    #expect(try Command.run("train", folder.path + "/run.yaml").status == 0)
    return folder.path + "/run/checkpoints/latest"
  }

  /// `--json` is one object, and all there is.
  @Test func json() throws {
    let folder = try Folder()
    let model = try model(folder)
    try folder.write("text.txt", "The cat slept.")
    for arguments in [
      ["inherit", model, folder.path + "/child", "--layers", "1,1"], ["inspect", model], ["doctor"],
      ["plan", folder.path + "/run.yaml"], ["train", folder.path + "/run.yaml", "--dry-run"],
      ["train", folder.path + "/run.yaml"], ["eval", model, "--text", folder.path + "/text.txt"],
      ["eval", model, "--tokens", folder.path + "/data"],
      [
        "prepare", folder.path + "/text.txt", "--tokenizer", folder.path + "/tokenizer", "--output",
        folder.path + "/data2",
      ],
    ] {
      let outcome = try Command.start(arguments + ["--json"]).finish()
      #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
      let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
      #expect(object is [String: Any], "\(arguments)")
    }
  }

  /// A result that does not arrive is an error; a reader that has gone is none.
  @Test func outputThatFails() throws {
    let folder = try Folder()
    let model = try model(folder)
    for command in ["inspect \"$1\"", "inspect \"$1\" --json", "generate \"$1\" --prompt a --max-tokens 3"] {
      let full = try shell("exec \"$0\" \(command) > /dev/full", model, in: folder)
      #expect(full.status == 1 && full.errors.contains("standard output: cannot be written"), "\(full)")
    }
    let head = try shell("\"$0\" inspect \"$1\" | head -n 1", model, in: folder)
    #expect(head.status == 0 && head.errors.isEmpty && head.output.hasPrefix("tensor"), "\(head)")
  }

  /// Without standard streams, nothing is printed into the files that are written.
  @Test func closedStreams() throws {
    let folder = try Folder()
    let model = try model(folder)
    #expect(try shell("exec \"$0\" inherit \"$1\" open --layers 1,1", model, in: folder).status == 0)
    #expect(try shell("exec \"$0\" inherit \"$1\" closed --layers 1,1 <&- >&- 2>&-", model, in: folder).status == 0)
    #expect(try folder.names("closed") == folder.names("open"))
    for name in try folder.names("open") {
      #expect(try folder.read("closed/\(name)") == folder.read("open/\(name)"), "\(name)")
    }
  }

  @Test func generate() throws {
    let folder = try Folder()
    let model = try model(folder)
    // The context is 32 tokens, one a byte: too long a prompt is not echoed before it is refused.
    let long = try Command.run("generate", model, "--prompt", String(repeating: "a", count: 40))
    #expect(long.status == 1 && long.output.isEmpty && long.errors.contains("context of 32"), "\(long)")
    let most = try Command.run("generate", model, "--prompt", "The", "--max-tokens", "500", "--temperature", "0")
    #expect(most.status == 0 && most.output.hasPrefix("The"), "\(most)")
    // From the beginning-of-text token, where the tokenizer itself adds none.
    let empty = try Command.run("generate", model, "--prompt", "", "--max-tokens", "4")
    #expect(empty.status == 0, "\(empty)")
  }

  /// Names in a file are not commands to the terminal.
  @Test func controlCharacters() throws {
    let folder = try Folder()
    let header = #"{"__metadata__":{"k":"\u001b[2J\n"},"a\u001b[31m":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
    var file = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
    file += Data(header.utf8) + Data(count: 4)
    try file.write(to: URL(fileURLWithPath: folder.path + "/a.safetensors"))
    let outcome = try Command.run("inspect", folder.path + "/a.safetensors")
    #expect(outcome.status == 0 && !outcome.output.contains("\u{1B}"), "\(outcome)")
    #expect(outcome.output.contains("1 tensor, 1 element"), "\(outcome)")
  }
}
