import Testing

@testable import Checkpoints
@testable import Files

/// Small files that would cost much time, memory or many open files.
extension PyTorchCheckpointTests {
  private var tooMuch: String { "it says more than a checkpoint has to; save the state dictionary alone" }

  /// The values of a memo's entries 0, 1, …, and nothing on the stack.
  private func memorized(_ values: [UInt8]...) -> [UInt8] {
    values.enumerated().flatMap { index, value in value + [0x71, UInt8(index), 0x30] }
  }

  /// So many times REDUCE of entry 0 with entry 1.
  private func calls(_ count: Int) -> [UInt8] {
    (0..<count).flatMap { _ in [0x68, 0, 0x68, 1, 0x52, 0x30] as [UInt8] }
  }

  private var model: [UInt8] { P.dictionary([("w", P.tensor(whole, [6], [1]))]) }

  @Test func everyArgumentOfACallCosts() throws {
    let integers = (0..<20_000).flatMap { _ in [0x4B, 1] as [UInt8] }
    let code = memorized(P.global("torch", "device"), [0x28] + integers + [0x74]) + calls(200)
    #expect(try complaint(archive(code + model)).hasSuffix(tooMuch))
  }

  @Test func aLongTextIsNoNumber() throws {
    let arguments = P.call("numpy", "dtype", P.text("f4")) + P.text(String(repeating: "x", count: 1 << 24)) + [0x86]
    let code = memorized(P.global("numpy.core.multiarray", "scalar"), arguments) + calls(60_000)
    let file = archive(code + model)
    let elapsed = try ContinuousClock().measure {
      let found = try complaint(file)
      #expect(found == "no error")
    }
    // Copied each time they are a terabyte.
    #expect(elapsed < .seconds(5))
  }

  @Test func everyTensorCosts() throws {
    let arguments = P.tuple(whole, P.integer(0), P.integers([1]), P.integers([1]), [0x89], [0x7D])
    let code = memorized(P.global("torch._utils", "_rebuild_tensor_v2"), arguments)
    #expect(try complaint(archive(code + calls(60_000) + model)) == "no error")
    #expect(try complaint(archive(code + calls(80_000) + model)).hasSuffix(tooMuch))
  }

  @Test func everyEntryOfTheMemoCosts() throws {
    let code = [0x4E] + [UInt8](repeating: 0x94, count: 1_100_000) + [0x30]
    #expect(try complaint(archive(code + model)).hasSuffix(tooMuch))
  }

  @Test func theBytesOfTheTensorsHaveASum() throws {
    func names(_ count: Int) -> [UInt8] {
      let tensor = P.tensor(P.storage(type: "DoubleStorage", count: 3), [1 << 40], [0])
      let members = (0..<count).flatMap { number -> [UInt8] in P.text("\(number)") + [0x68, 0] }
      return memorized(tensor) + [0x7D, 0x28] + members + [0x75]
    }
    let most = StateDictionary.mostTensors
    let sum = try open(archive(names(most))).tensors.reduce(0) { $0.addingReportingOverflow($1.byteCount).partialValue }
    #expect(sum == most << 43)
    let found = message { try open(archive(names(most + 1))) }
    #expect(found.hasSuffix("it names \(most + 1) tensors, expected at most \(most)"))
  }

  @Test func deflatedStoragesShareOneFile() throws {
    let numbers = 0..<40
    let tensors = numbers.map { ("t\($0)", P.tensor(P.storage("\($0)", count: 6), [6], [1])) }
    func values(_ number: Int) -> [Float] { (0..<6).map { Float(number * 10 + $0) } }
    let checkpoint = try open(
      ZipFixture.archive(
        [.init(name: "a/data.pkl", bytes: P.program(P.dictionary(tensors)))]
          + numbers.map {
            .init(name: "a/data/\($0)", bytes: ElementType.float32.bytes(of: values($0)), isDeflated: true)
          }))
    // Not in the order of the file.
    for number in numbers.reversed() { #expect(try checkpoint.floats("t\(number)") == values(number)) }
    let files = try Set(numbers.compactMap { try checkpoint.region(of: "t\($0)").map { ObjectIdentifier($0.file) } })
    #expect(files.count == 1)
  }

  @Test func anEmptyTMPDIRIsNone() {
    #expect(TemporaryFile.directory(nil) == "/var/tmp")
    #expect(TemporaryFile.directory("") == "/var/tmp")
    #expect(TemporaryFile.directory("/scratch") == "/scratch")
  }

  // MARK: - Names

  @Test func foldersAreNamedAsTheFileWas() throws {
    for folder in ["ckpt_2024-01-01T10:00:00", "C:\\x"] {
      let checkpoint = try open(
        ZipFixture.archive([
          .init(name: "\(folder)/data.pkl", bytes: P.program(model)), .init(name: "\(folder)/data/0", bytes: data),
        ]))
      #expect(checkpoint.tensors.map(\.name) == ["w"])
    }
  }

  /// One character can be as long as a file.
  @Test func messagesAreShort() throws {
    let long = "a" + String(repeating: "\u{301}", count: 10_000)
    let twice = P.dictionary([(long, P.tensor(whole, [6], [1])), (long, P.tensor(whole, [6], [1]))])
    for root in [
      twice, P.dictionary([("t", P.tensor(P.storage(long, count: 6), [6], [1]))]),
      P.text("os") + P.text(long) + [0x93], Array("I\(long)\n".utf8),
    ] {
      let found = try complaint(archive(root))
      #expect(found != "no error" && found.unicodeScalars.count < 450, "\(found.unicodeScalars.count)")
    }
  }
}
