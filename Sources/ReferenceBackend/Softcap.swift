import Foundation

/// c·tanh(x/c), which keeps scores and logits within ±c (Gemma 2, arXiv 2408.00118, §2); x itself without a c.
struct Softcap {
  private let cap: Double?

  init(_ cap: Float?) { self.cap = cap.map(Double.init) }

  func value(_ x: Double) -> Double { cap.map { $0 * tanh(x / $0) } ?? x }

  func derivative(_ x: Double) -> Double {
    guard let cap else { return 1 }
    let t = tanh(x / cap)
    return 1 - t * t
  }
}
