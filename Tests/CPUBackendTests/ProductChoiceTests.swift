import Foundation
import Tensors
import TestSupport
import Testing

@testable import CPUBackend

@Suite("The choice of a library")
struct ProductChoiceTests {
  private let folder: TemporaryFolder
  private let file: String

  init() throws {
    folder = try TemporaryFolder()
    file = folder.path + "/choices"
  }

  private func kind(_ m: Int, _ n: Int, _ k: Int, threads: Int = 1) -> ProductKind? {
    ProductKind(transposeA: false, transposeB: true, m: m, n: n, k: k, threads: threads)
  }

  @Test("sizes are rounded down, and alike beyond a few hundred")
  func kinds() throws {
    #expect(kind(1024, 2304, 768)?.name == "NT 384 384 384")
    #expect(kind(384, 384, 384) == kind(5000, 50257, 10_000))
    #expect(kind(383, 200, 383)?.name == "NT 256 192 256")
    #expect(kind(17, 1000, 100)?.name == "NT 16 384 96")
    // A part of c for each thread.
    #expect(kind(512, 512, 512, threads: 4)?.name == "NT 256 256 384")
    #expect(kind(40, 51_200, 64, threads: 64)?.name == "NT 32 384 64")
    // Few rows, and small products.
    #expect(kind(16, 10_000, 10_000) == nil)
    #expect(kind(64, 64, 64) == nil)
    #expect(kind(512, 512, 512, threads: 1024) == nil)
    #expect(kind(1000, 1000, 0) == nil)
  }

  @Test("what is measured is not larger than the product, and of its kind", arguments: [1, 3])
  func shapes(threads: Int) {
    for m in stride(from: 17, to: 400, by: 9) {
      for n in stride(from: 1, to: 800, by: 13) {
        for k in [2, 100, 190, 250, 300, 384, 1000] {
          guard let found = kind(m, n, k, threads: threads) else { continue }
          #expect(found.m <= m && found.n <= n && found.k <= k)
          let measured = kind(found.m, found.n, found.k)
          #expect(measured == nil || measured == found)
        }
      }
    }
  }

  /// The bits of a product that is large enough to be chosen for.
  private func product(_ device: CPUDevice) throws -> [UInt32] {
    let a = try device.randomTensor(300, 200, seed: 1)
    let b = try device.randomTensor(250, 200, seed: 2)
    let c = try device.tensor(300, 250)
    device.matmul(c, a, b, transposeA: false, transposeB: true, accumulate: .set, bias: nil)
    return try device.floats(c).map(\.bitPattern)
  }

  @Test("without a place to remember, all is left to the plain kernels")
  func nowhere() throws {
    for choiceFile in [nil, folder.path + "/missing/choices"] {
      let device = try CPUDevice(threads: 2, choiceFile: choiceFile)
      #expect(try product(device) == product(CPUDevice(threads: 2, blas: .plain)))
      #expect(device.chosenProducts.allSatisfy { $0.provider == .plain })
    }
  }

  @Test(
    "what is chosen is remembered, and taken again",
    .enabled(if: BLAS.available.count > 1, "needs OpenBLAS, oneDNN or MKL"))
  func remembered() throws {
    let first = try CPUDevice(threads: 2, choiceFile: file)
    #expect(first.blas.name.hasPrefix("the fastest of plain C, "))
    let bits = try product(first)
    #expect(first.chosenProducts.map(\.product) == ["NT 192 192 192"])
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let line = "\tNT 192 192 192\t"
    #expect(text.contains(line))
    let second = try CPUDevice(threads: 2, choiceFile: file)
    #expect(try product(second) == bits)
    #expect(try String(contentsOfFile: file, encoding: .utf8) == text)

    // Whatever the file says is done, as long as it can be.
    let start = text.components(separatedBy: line)[0]
    for blas in BLAS.available {
      try (start + line + blas.rawValue + "\n").write(toFile: file, atomically: true, encoding: .utf8)
      let device = try CPUDevice(threads: 2, choiceFile: file)
      #expect(try product(device) == product(CPUDevice(threads: 2, blas: blas)))
      #expect(device.chosenProducts.map(\.provider) == [blas])
    }
    for nonsense in ["auto", "", "accelerate"] + BLAS.providers.filter({ !BLAS.available.contains($0) }).map(\.rawValue)
    {
      try (start + line + nonsense + "\n").write(toFile: file, atomically: true, encoding: .utf8)
      let device = try CPUDevice(threads: 2, choiceFile: file)
      _ = try product(device)
      let chosen = try #require(device.chosenProducts.first).provider
      #expect(BLAS.available.contains(chosen))
      #expect(try String(contentsOfFile: file, encoding: .utf8).hasSuffix(line + chosen.rawValue + "\n"))
    }
  }

  @Test("products with narrow weights are not chosen for")
  func narrow() throws {
    let device = try CPUDevice(threads: 2, choiceFile: file)
    let b = Tensor(address: try device.allocate(bytes: 2 * 250 * 200), rows: 250, columns: 200, dtype: .bfloat16)
    let c = try device.tensor(300, 250)
    device.matmul(
      c, try device.randomTensor(300, 200, seed: 1), b, transposeA: false, transposeB: true, accumulate: .set, bias: nil
    )
    #expect(device.chosenProducts.isEmpty)
  }
}
