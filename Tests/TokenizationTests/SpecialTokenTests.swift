import Foundation
import Testing

@testable import Tokenization

/// Which tokens begin and end a text, and whether they are added.
struct SpecialTokenTests {
  private func load(_ configuration: String?, template: String = "null", _ more: [String: String] = [:]) throws
    -> Tokenizer
  {
    var files = more
    files["tokenizer.json"] = ByteLevelTests.json(postProcessor: template)
    files["tokenizer_config.json"] = configuration
    return try tokenizer(files)
  }

  private static let template = #"""
    {"type": "Sequence", "processors": [{"type": "ByteLevel"}, {"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "B", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
    {"SpecialToken": {"id": "E", "type_id": 0}}],
    "special_tokens": {"B": {"id": "B", "ids": [10], "tokens": ["B"]}, "E": {"id": "E", "ids": [11], "tokens": ["E"]}}}]}
    """#

  @Test func names() throws {
    for configuration in [
      #"{"bos_token": "a", "eos_token": "b"}"#,
      #"{"bos_token": {"content": "a", "lstrip": false}, "eos_token": {"__type": "AddedToken", "content": "b"}}"#,
    ] {
      let tokenizer = try load(configuration)
      #expect(tokenizer.bos == 0 && tokenizer.eos == 1)
    }
    let none = try load(#"{"bos_token": null, "eos_token": "b"}"#)
    #expect(none.bos == nil && none.eos == 1)
    // Nothing is said: GPT-2's.
    #expect(try load(nil).eos == 10)
    #expect(try load(#"{"bos_token": ""}"#).bos == 10)
  }

  @Test func theMapCountsWhereTheTableIsMissing() throws {
    let map = ["special_tokens_map.json": #"{"bos_token": {"content": "c"}}"#]
    #expect(try load(#"{"bos_token": "a"}"#, map).bos == 2)
    #expect(try load(#"{"bos_token": "a", "added_tokens_decoder": {"2": {"content": "c"}}}"#, map).bos == 0)
  }

  @Test func generationSettingsAreTheLastResort() throws {
    let generation = ["generation_config.json": #"{"bos_token_id": 4, "eos_token_id": [5, 6]}"#]
    let vocabulary = ByteLevelTests.json().replacingOccurrences(of: "<|endoftext|>", with: "<end>")
    let last = try tokenizer(["tokenizer.json": vocabulary].merging(generation) { $1 })
    #expect(last.bos == 4 && last.eos == 5)
    #expect(try load(nil, generation).bos == 10)
    #expect(try load(#"{"bos_token": null, "eos_token": "a"}"#, generation).bos == nil)
    let bad = try message(["tokenizer.json": vocabulary, "generation_config.json": #"{"eos_token_id": 500}"#])
    #expect(bad.contains("generation_config.json: 'eos_token_id' is 500, an id that no token has"))
  }

  @Test func whatStandsAroundAText() throws {
    func ids(_ configuration: String?, _ template: String) throws -> [Int32] {
      let tokenizer = try load(configuration, template: template)
      let ids = tokenizer.encode("c", addSpecialTokens: true)
      #expect(tokenizer.encode("c", addSpecialTokens: false) == [2])
      #expect(tokenizer.addsBOS == (ids.first != 2))
      return ids
    }
    let template = SpecialTokenTests.template
    #expect(try ids(nil, "null") == [2])
    #expect(try ids(nil, template) == [10, 2, 11])
    #expect(try ids(#"{"add_bos_token": false}"#, template) == [2, 11])
    #expect(try ids(#"{"add_bos_token": true, "add_eos_token": false}"#, template) == [10, 2])
    #expect(try ids(#"{"add_bos_token": true, "bos_token": "a", "eos_token": "b"}"#, "null") == [0, 2])
    #expect(try ids(#"{"add_eos_token": true, "bos_token": "a", "eos_token": "b"}"#, "null") == [2, 1])
    // With a template and no settings its first token is BOS.
    #expect(try load(nil, template: template).bos == 10)
    #expect(try load(nil, template: template).eos == 11)
    let empty = try load(#"{"add_bos_token": true, "bos_token": "a"}"#)
    #expect(empty.encode("", addSpecialTokens: true) == [0])
  }

  @Test func errors() throws {
    func message(_ files: [String: String]) throws -> String {
      try TokenizationTests.message(["tokenizer.json": ByteLevelTests.json()].merging(files) { $1 })
    }
    #expect(
      try message(["tokenizer_config.json": #"{"eos_token": "<eos>"}"#]).contains(
        "tokenizer_config.json: 'eos_token' is '<eos>', a token that neither the vocabulary nor the added tokens have"))
    #expect(
      try message(["tokenizer_config.json": #"{"bos_token": null, "add_bos_token": true}"#]).contains(
        "tokenizer_config.json: 'add_bos_token' is true, but no file names a 'bos_token'"))
    #expect(try message(["special_tokens_map.json": "[]"]).contains("special_tokens_map.json: the file holds a list"))
    // A padding token that nobody has is of no use here, and no harm.
    #expect(try message(["tokenizer_config.json": #"{"pad_token": "<pad>"}"#]) == "")
    #expect(
      try message(["tokenizer_config.json": #"{"add_bos_token": "yes"}"#]).contains(
        "'add_bos_token' holds the string 'yes', expected true or false"))
    #expect(try message(["tokenizer_config.json": "[]"]).contains("tokenizer_config.json: the file holds a list"))
    #expect(try message(["tokenizer_config.json": "{"]).contains("tokenizer_config.json: not JSON: "))
    #expect(
      try message([
        "tokenizer.json": ByteLevelTests.json(
          postProcessor: SpecialTokenTests.template.replacingOccurrences(of: "[11]", with: "[400]"))
      ]).contains("'post_processor' is 400, an id that no token has"))
  }
}
