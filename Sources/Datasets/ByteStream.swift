import CZlib
import CZstd
import Glibc

/// The uncompressed bytes of one input file, in order, in bounded memory.
protocol ByteStream: AnyObject {
  /// Bytes of the stored file taken so far, for progress and for error messages.
  var consumed: Int { get }

  /// Fills `buffer` from its start and returns how many bytes that was; 0 only at the end of the stream.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(DatasetError) -> Int

  /// Passes over `count` bytes.
  /// - Returns: false if the stream ends before.
  func skip(_ count: Int) throws(DatasetError) -> Bool
}

extension ByteStream {
  func skip(_ count: Int) throws(DatasetError) -> Bool {
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    defer { scratch.deallocate() }
    var left = count
    while left > 0 {
      let got = try read(into: UnsafeMutableRawBufferPointer(rebasing: scratch.prefix(left)))
      if got == 0 { return false }
      left -= got
    }
    return true
  }
}

func openByteStream(_ file: InputFile) throws(DatasetError) -> any ByteStream {
  let plain = try PlainStream(file.path)
  return switch file.compression {
  case .none: plain
  case .gzip: try GzipStream(plain)
  case .zstd: try ZstdStream(plain)
  }
}

/// The file as it is.
final class PlainStream: ByteStream {
  let path: String
  private(set) var consumed = 0
  private let descriptor: Int32

  init(_ path: String) throws(DatasetError) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { throw .inputNotFound(path: path) }
      throw .unreadable(path: path, reason: systemReason())
    }
  }

  deinit { close(descriptor) }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(DatasetError) -> Int {
    while true {
      let got = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      if got >= 0 {
        consumed += got
        return got
      }
      guard errno == EINTR else { throw .unreadable(path: path, reason: systemReason()) }
    }
  }

  func skip(_ count: Int) throws(DatasetError) -> Bool {
    let (target, overflow) = consumed.addingReportingOverflow(count)
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .unreadable(path: path, reason: systemReason()) }
    guard !overflow, target <= Int(status.st_size) else { return false }
    guard lseek(descriptor, off_t(target), SEEK_SET) == off_t(target) else {
      throw .unreadable(path: path, reason: systemReason())
    }
    consumed = target
    return true
  }
}

/// The stored bytes of a compressed file, a buffer at a time.
private struct CompressedInput {
  let stream: PlainStream
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 16)
  var start = 0
  var end = 0

  var available: Int { end - start }
  /// The offset in the file of the next byte to be decompressed.
  var offset: Int { stream.consumed - available }

  /// Makes at least one byte available, unless the file is at its end.
  mutating func fill() throws(DatasetError) -> Bool {
    if available > 0 { return true }
    start = 0
    end = try stream.read(into: buffer)
    return end > 0
  }
}

/// gzip, any number of members one after the other (RFC 1952 §2.2). Zero bytes after the last member are padding, as for gzip(1).
final class GzipStream: ByteStream {
  private var input: CompressedInput
  // zlib keeps a pointer back to the z_stream, which must therefore not move.
  private let inflater: UnsafeMutablePointer<z_stream>
  private var insideMember = false
  private var members = 0

  init(_ stream: PlainStream) throws(DatasetError) {
    input = CompressedInput(stream: stream)
    inflater = .allocate(capacity: 1)
    inflater.initialize(to: z_stream())
    guard czlib_inflate_init_gzip(inflater) == Z_OK else {
      throw .unreadable(path: stream.path, reason: "zlib cannot be started")
    }
  }

  deinit {
    inflateEnd(inflater)
    inflater.deallocate()
    input.buffer.deallocate()
  }

  var consumed: Int { input.offset }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(DatasetError) -> Int {
    let output = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(Int(UInt32.max)))
    while true {
      let more = try input.fill()
      if !insideMember {
        guard more else {
          if members == 0 { throw truncated }
          return 0
        }
        guard try startMember() else { return 0 }
      }
      // Also without further input zlib may still hold output back; it then answers Z_BUF_ERROR when there is none.
      inflater.pointee.next_in = input.buffer.baseAddress!.advanced(by: input.start).assumingMemoryBound(to: UInt8.self)
      inflater.pointee.avail_in = UInt32(input.available)
      inflater.pointee.next_out = output.baseAddress!.assumingMemoryBound(to: UInt8.self)
      inflater.pointee.avail_out = UInt32(output.count)
      let answer = inflate(inflater, Z_NO_FLUSH)
      input.start = input.end - Int(inflater.pointee.avail_in)
      let produced = output.count - Int(inflater.pointee.avail_out)
      switch answer {
      case Z_STREAM_END:
        insideMember = false
        members += 1
      case Z_OK: break
      case Z_BUF_ERROR:
        if produced == 0 && !more { throw truncated }
      default:
        let reason = inflater.pointee.msg.map { String(cString: $0) } ?? "zlib error \(answer)"
        throw .corruptStream(path: input.stream.path, format: "gzip", offset: input.offset, reason: reason)
      }
      if produced > 0 { return produced }
    }
  }

  /// - Returns: false if nothing but padding is left.
  private func startMember() throws(DatasetError) -> Bool {
    if members > 0 {
      while input.buffer[input.start] == 0 {
        input.start += 1
        if try !input.fill() { return false }
      }
    }
    inflateReset(inflater)
    insideMember = true
    return true
  }

  private var truncated: DatasetError {
    .truncatedStream(path: input.stream.path, format: "gzip", offset: input.offset)
  }
}

/// zstd, any number of frames one after the other, skippable ones included (RFC 8878 §3.1).
final class ZstdStream: ByteStream {
  private var input: CompressedInput
  private let decoder: OpaquePointer
  private var insideFrame = false
  private var frames = 0

  init(_ stream: PlainStream) throws(DatasetError) {
    guard let decoder = ZSTD_createDStream() else {
      throw .unreadable(path: stream.path, reason: "zstd cannot be started")
    }
    self.decoder = decoder
    input = CompressedInput(stream: stream)
  }

  deinit {
    ZSTD_freeDStream(decoder)
    input.buffer.deallocate()
  }

  var consumed: Int { input.offset }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(DatasetError) -> Int {
    while true {
      let more = try input.fill()
      if !more && !insideFrame {
        if frames == 0 { throw truncated }
        return 0
      }
      var source = ZSTD_inBuffer(src: input.buffer.baseAddress, size: input.end, pos: input.start)
      var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
      let answer = ZSTD_decompressStream(decoder, &output, &source)
      input.start = source.pos
      if ZSTD_isError(answer) != 0 {
        if ZSTD_getErrorCode(answer) == ZSTD_error_frameParameter_windowTooLarge {
          throw .windowTooLarge(path: input.stream.path)
        }
        throw .corruptStream(
          path: input.stream.path, format: "zstd", offset: input.offset,
          reason: String(cString: ZSTD_getErrorName(answer)))
      }
      insideFrame = answer != 0
      if answer == 0 { frames += 1 }
      if output.pos > 0 { return output.pos }
      if !more && insideFrame { throw truncated }
    }
  }

  private var truncated: DatasetError {
    .truncatedStream(path: input.stream.path, format: "zstd", offset: input.offset)
  }
}
