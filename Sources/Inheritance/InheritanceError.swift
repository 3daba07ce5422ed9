/// What can be wrong with a request to inherit.
public enum InheritanceError: Error, Sendable, Equatable, CustomStringConvertible {
  case invalidLayers(text: String)
  case layerOutsideModel(layer: Int, layerCount: Int)
  case tooManyLayers(wanted: Int, layerCount: Int)

  public var description: String {
    switch self {
    case .invalidLayers(let text):
      "layers '\(text)': expected a number of blocks (13), or block numbers from 0 (0-12 or 0,2,4 or 0-5,20-25)"
    case .layerOutsideModel(let layer, let layerCount):
      "layers: block \(layer) does not exist; the source has \(layerCount) blocks, 0 to \(layerCount - 1)"
    case .tooManyLayers(let wanted, let layerCount):
      "layers '\(wanted)': the source has only \(layerCount) block\(layerCount == 1 ? "" : "s")"
    }
  }
}
