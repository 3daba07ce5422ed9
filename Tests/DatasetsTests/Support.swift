import CZlib
import CZstd
import Files
import Foundation
import Tensors
import Testing
import Tokenization

@testable import Datasets

/// A directory that goes when the test ends.
final class TemporaryDirectory {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "/datasets-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path): \(error)") }
  }

  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = path + "/" + name
    let parent = (file as NSString).deletingLastPathComponent
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    return file
  }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }

  func read(_ name: String) throws -> [UInt8] { try [UInt8](Data(contentsOf: URL(fileURLWithPath: path + "/" + name))) }

  func names(_ directory: String = "") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path + "/" + directory).sorted()
  }

  /// Little-endian uint16 tokens.
  @discardableResult
  func tokens(_ name: String, _ ids: some Sequence<Int>) throws -> String {
    try write(name, ids.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] })
  }
}

func gzip(_ bytes: [UInt8]) -> [UInt8] {
  let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  stream.initialize(to: z_stream())
  defer { stream.deallocate() }
  #expect(czlib_deflate_init_gzip(stream, 6) == Z_OK)
  var input = bytes
  var output = [UInt8](repeating: 0, count: Int(deflateBound(stream, UInt(bytes.count))) + 64)
  let used = input.withUnsafeMutableBufferPointer { input in
    output.withUnsafeMutableBufferPointer { output in
      stream.pointee.next_in = input.baseAddress
      stream.pointee.avail_in = UInt32(input.count)
      stream.pointee.next_out = output.baseAddress
      stream.pointee.avail_out = UInt32(output.count)
      #expect(deflate(stream, Z_FINISH) == Z_STREAM_END)
      return output.count - Int(stream.pointee.avail_out)
    }
  }
  deflateEnd(stream)
  return Array(output[..<used])
}

/// A frame with a checksum, as zstd(1) writes it.
func zstd(_ bytes: [UInt8]) -> [UInt8] {
  let context = ZSTD_createCCtx()
  defer { ZSTD_freeCCtx(context) }
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
  var output = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count) + 64)
  let used = ZSTD_compress2(context, &output, output.count, bytes, bytes.count)
  #expect(ZSTD_isError(used) == 0)
  return Array(output[..<used])
}

/// GPT-2's format with no merges: the id of a byte is the byte, `<|endoftext|>` is 256 and the end of text. `extra` unused
/// entries follow, the first of which may be the beginning of text instead.
func byteTokenizer(in directory: TemporaryDirectory, extra: Int = 0, bos: String = "<|endoftext|>") throws -> Tokenizer
{
  // GPT-2 writes the bytes that do not print as the characters from U+0100 on (openai/gpt-2, src/encoder.py).
  var vocabulary: [String: Int] = [:]
  var next: UInt32 = 256
  for byte in UInt32(0)...255 {
    let prints = (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte)
    let code = prints ? byte : next
    if !prints { next += 1 }
    vocabulary[String(Unicode.Scalar(code).map(Character.init) ?? " ")] = Int(byte)
  }
  vocabulary["<|endoftext|>"] = 256
  for index in 0..<extra { vocabulary["unused-\(index)"] = 257 + index }
  let name = "tokenizer-\(extra)"
  let json = try JSONSerialization.data(withJSONObject: vocabulary, options: [.sortedKeys])
  try directory.write(name + "/vocab.json", [UInt8](json))
  try directory.write(name + "/merges.txt", "#version: 0.2\n")
  try directory.write(
    name + "/tokenizer_config.json",
    #"{"tokenizer_class": "GPT2Tokenizer", "bos_token": "\#(bos)", "eos_token": "<|endoftext|>"}"#)
  return try Tokenizer.load(directory: directory.path + "/" + name)
}

/// The value in a file.
func json(_ path: String) throws -> JSON {
  let file = try MappedFile(path)
  return try JSON(parsing: file.bytes)
}

/// A line of JSON with `text`.
func jsonLine(_ text: String) throws -> String {
  let data = try JSONSerialization.data(withJSONObject: ["text": text, "meta": "{x}"], options: [.sortedKeys])
  return String(decoding: data, as: UTF8.self) + "\n"
}

/// The bytes of a stream, read `step` at a time.
func readAll(_ path: String, step: Int = 1000) throws -> [UInt8] {
  let stream = try openByteStream(try InputFile(path))
  var all: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: step)
  while true {
    let got = try buffer.withUnsafeMutableBytes { try stream.read(into: $0) }
    if got == 0 { return all }
    all += buffer[..<got]
  }
}

/// Text of `count` bytes with little redundancy.
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
  (0..<count).map { UInt8(97 + SplitMix64.value(seed: seed, at: UInt64($0)) % 26) }
}

/// About `count` bytes of words, with a place to cut at each space.
func words(_ count: Int, seed: UInt64) -> String {
  var text = noise(count, seed: seed)
  for at in stride(from: 5, to: count - 2, by: 6) { text[at] = UInt8(ascii: " ") }
  return String(decoding: text, as: UTF8.self)
}

func error<T>(of body: () throws -> T) -> DatasetError? {
  do { _ = try body() } catch { return error as? DatasetError }
  return nil
}

func message<T>(of body: () throws -> T) -> String {
  do { _ = try body() } catch { return "\(error)" }
  return "no error"
}
