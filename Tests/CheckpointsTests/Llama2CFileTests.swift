import Files
import Foundation
import TestSupport
import Testing

@testable import Checkpoints

struct Llama2CFileTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// A file with this header and so many floats: 0, 1, 2, … .
  private func file(_ header: [Int32], floats: Int, extra: [UInt8] = []) throws -> MappedFile {
    var bytes = header.flatMap { number in withUnsafeBytes(of: number.littleEndian) { Array($0) } }
    for index in 0..<floats { withUnsafeBytes(of: Float(index).bitPattern.littleEndian) { bytes += $0 } }
    return try MappedFile(directory.write("model.bin", bytes + extra))
  }

  /// Width 8, 12 between, 2 blocks, 4 heads over 2 key/value heads, 5 tokens, 3 positions.
  private static let header: [Int32] = [8, 12, 2, 4, 2, 5, 3]
  private static let count =
    5 * 8 + 2 * 8 + 2 * 64 + 2 * 4 * 8 * 2 + 2 * 64 + 2 * 8 + 3 * 2 * 12 * 8 + 8 + 2 * 3 * 1

  @Test func tensorsOneAfterTheOther() throws {
    let checkpoint = try #require(Llama2CFile(file(Llama2CFileTests.header, floats: Llama2CFileTests.count)))
    #expect(
      checkpoint.tensors.map(\.name) == [
        "token_embedding_table", "rms_att_weight", "wq", "wk", "wv", "wo", "rms_ffn_weight", "w1", "w2", "w3",
        "rms_final_weight", "freq_cis_real", "freq_cis_imag",
      ])
    #expect(
      checkpoint.description(of: "wk")?.shape == [2, 4, 8] && checkpoint.description(of: "w2")?.shape == [2, 8, 12])
    #expect(
      try checkpoint.tensors.flatMap { try checkpoint.floats($0.name) } == (0..<Llama2CFileTests.count).map(Float.init))
    #expect(checkpoint.settings["n_kv_heads"] == .integer(2) && checkpoint.settings["shared_classifier"] == .bool(true))
    #expect(checkpoint.header(of: checkpoint.path)?.count == 28)
    #expect(throws: CheckpointError.missingTensor(path: checkpoint.path, tensor: "wcls")) {
      try checkpoint.contents(of: "wcls")
    }
  }

  /// A vocabulary below zero: the head is a matrix of its own, at the end.
  @Test func ownHead() throws {
    var header = Llama2CFileTests.header
    header[5] = -5
    #expect(try Llama2CFile(file(header, floats: Llama2CFileTests.count)) == nil)
    let checkpoint = try #require(Llama2CFile(file(header, floats: Llama2CFileTests.count + 40)))
    #expect(checkpoint.settings["shared_classifier"] == .bool(false))
    #expect(try checkpoint.floats("wcls") == (Llama2CFileTests.count..<Llama2CFileTests.count + 40).map(Float.init))
  }

  /// Nothing but the size says that a file is one.
  @Test func otherFiles() throws {
    let count = Llama2CFileTests.count
    #expect(try Llama2CFile(file(Llama2CFileTests.header, floats: count - 1)) == nil)
    #expect(try Llama2CFile(file(Llama2CFileTests.header, floats: count, extra: [0])) == nil)
    #expect(try Llama2CFile(file([], floats: 0)) == nil)
    #expect(try Llama2CFile(file([1, 2, 3], floats: 0, extra: [1])) == nil)
    for index in 0..<7 {
      for value in [0, -1, .min, .max] as [Int32] {
        var header = Llama2CFileTests.header
        header[index] = value
        #expect(try Llama2CFile(file(header, floats: count)) == nil, "\(header)")
      }
    }
    #expect(try Llama2CFile(file([.max, .max, .max, 1, 1, .max, .max], floats: count)) == nil)
  }

  @Test(.enabled(if: Shared.isAvailable, "needs the reference files in shared/"))
  func trainedModel() throws {
    let checkpoint = try Checkpoint.open(Shared.path("data/weights/stories260K/stories260K.bin"))
    #expect(checkpoint.settings["n_layers"] == .integer(5))
    #expect(checkpoint.tensors.reduce(28) { $0 + $1.byteCount } == 1_056_540)
  }
}
