import Tensors

/// Where the tokens of documents go, one document after the other.
protocol DocumentDestination: AnyObject {
  /// Whether a document, by its number, or by the hash of its text, may be part of the result.
  func wants(document: Int) -> Bool
  func wants(_ hash: TextHash) -> Bool

  /// Adds tokens to the open document.
  func append(_ tokens: ArraySlice<Int32>, _ state: inout PreparationState) throws(DatasetError)
  /// Takes back the tokens of the open document.
  func discard(_ state: inout PreparationState)
  /// The open document is complete.
  func close(document: Int, hash: TextHash?, _ state: inout PreparationState) throws

  /// Whether `rearrange` is due. Called between documents.
  func isCrowded(_ state: PreparationState) -> Bool
  /// Writes what is wanted to new files. The old ones stay until `forget`, which follows when the state was saved.
  func rearrange(_ state: inout PreparationState) throws
  func forget() throws

  func flush() throws(DatasetError)
  /// Everything so far is on the disk when this returns.
  func sync() throws(DatasetError)
  /// After the last document: makes the complete token files of both splits, still under temporary names.
  func finish(_ state: inout PreparationState) throws
}

/// Which documents are validation documents.
struct ValidationChoice {
  let fraction: Double
  let seed: UInt64

  func isChosen(document: Int) -> Bool {
    // A product below 2^64, since the fraction is below 1.
    SplitMix64.value(seed: seed, at: UInt64(document)) < UInt64(fraction * 0x1p64)
  }
}
