import Files
import TestSupport
import Testing

@testable import Evaluation

struct PythonRandomTests {
  /// `random.Random(1234)` of CPython.
  @Test func knownStream() {
    var random = PythonRandom(seed: 1234)
    #expect(random.random() == 0.9664535356921388)
    #expect(random.random() == 0.4407325991753527)
    var again = PythonRandom(seed: 1234)
    #expect((0..<3).map { _ in again.next32() } == [4_150_886_329, 3_342_196_574, 1_892_932_127])
  }

  @Test func seedsAreReadAsTheirMagnitude() {
    var a = PythonRandom(seed: 5)
    var b = PythonRandom(seed: -5)
    #expect(a.next32() == b.next32())
    var wide = PythonRandom(seed: 1 << 40)
    #expect(wide.next32() == 445_128_065)
  }

  @Test func sampleHasNoRepeats() {
    var random = PythonRandom(seed: 7)
    for (n, k) in [(1, 1), (5, 5), (21, 5), (22, 5), (40, 20), (1000, 30)] {
      let sample = random.sample(n, k)
      #expect(Set(sample).count == k)
      #expect(sample.allSatisfy { (0..<n).contains($0) })
    }
  }

  @Test(.enabled(if: Shared.isAvailable, "needs shared/"))
  func referenceVectors() throws {
    let vectors = try json(Shared.path("goldens/eval-reference/random_vectors.json"))
    var random = PythonRandom(seed: 1234)
    for expected in try #require(vectors["seed_1234_random"]?.array) { #expect(random.random() == expected.double) }
    random = PythonRandom(seed: 1234)
    for expected in try #require(vectors["seed_1234_getrandbits32"]?.array) {
      #expect(Int(random.next32()) == expected.integer)
    }
    for entry in try #require(vectors["sample"]?.array) {
      random = PythonRandom(seed: 1234)
      let (n, k) = (try #require(entry["n"]?.integer), try #require(entry["k"]?.integer))
      for draw in try #require(entry["draws"]?.array) {
        #expect(random.sample(n, k) == draw.array?.map(\.integer), "sample(range(\(n)), \(k))")
      }
    }
    let bootstrap = try #require(vectors["bootstrap_perplexity"])
    let items = try #require(bootstrap["items"]?.array).compactMap(\.double)
    let replicates = Bootstrap.perplexities(items, iterations: try #require(bootstrap["iters"]?.integer))
    #expect(Statistics.sampleStandardDeviation(replicates) == bootstrap["stderr"]?.double)
  }
}
