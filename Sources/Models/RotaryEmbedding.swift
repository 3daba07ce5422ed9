import Files
import Glibc

/// Rotary position embedding (RoFormer, arXiv 2104.09864), in the halves convention of transformers' Llama.
public struct RotaryEmbedding: Sendable, Hashable {
  /// How frequencies are stretched for contexts longer than the model was trained on.
  public enum Scaling: Sendable, Hashable {
    case none
    /// Every frequency divided by the factor (position interpolation, arXiv 2306.15595).
    case linear(factor: Double)
    /// Llama 3.1: low frequencies divided, high ones kept, a ramp between (transformers, `_compute_llama3_parameters`).
    case llama3(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalContext: Int)
  }

  /// Elements of a head that are rotated, the first ones: all D, or fewer. Even.
  public var dimension: Int
  public var theta: Double
  public var scaling: Scaling

  public init(dimension: Int, theta: Double, scaling: Scaling = .none) {
    self.dimension = dimension
    self.theta = theta
    self.scaling = scaling
  }

  /// Reads `rope_parameters` (transformers 5), or what older files have instead: `rope_scaling` and keys of the family's own.
  /// - Parameters:
  ///   - headDimension: D.
  ///   - thetaKey: where older files have the base of the frequencies.
  ///   - fractionKey: where older files have the part of each head that is rotated; nil in a family that rotates all of it.
  ///   - fraction: that part when no key says it.
  /// - Throws: `ModelError`, also for a part that is no even number of elements.
  init(
    _ configuration: ConfigurationReader, headDimension: Int, thetaKey: String = "rope_theta",
    fractionKey: String? = nil, fraction: Double = 1
  ) throws(ModelError) {
    let parameters = try configuration.section("rope_parameters")
    if let parameters, parameters.has("rope_theta") {
      theta = try parameters.positive("rope_theta")
    } else {
      theta = try configuration.positive(thetaKey, default: 10000)
    }
    let (section, key) =
      if let parameters, parameters.has("partial_rotary_factor") { (parameters, "partial_rotary_factor") } else {
        (configuration, fractionKey ?? "partial_rotary_factor")
      }
    let part = try section.positive(key, default: fraction)
    // transformers ignores it there, which whoever wrote it cannot have meant.
    guard fractionKey != nil || part == 1 else {
      throw section.invalid(key, "1: this architecture rotates all of each head")
    }
    guard part <= 1, Int(part * Double(headDimension)) >= 2, Int(part * Double(headDimension)) % 2 == 0 else {
      throw section.invalid(key, "a part of the \(headDimension) elements of a head that is an even number of them")
    }
    dimension = Int(part * Double(headDimension))
    // The older key wins where a file has both (transformers, `convert_rope_params_to_dict`).
    let older = try configuration.section("rope_scaling").flatMap { $0.object.isEmpty ? nil : $0 }
    scaling = try RotaryEmbedding.scaling(older ?? parameters)
  }

  private static func scaling(_ section: ConfigurationReader?) throws(ModelError) -> Scaling {
    guard let section else { return .none }
    let key = section.has("rope_type") ? "rope_type" : "type"
    switch try section.string(key, default: "default") {
    case "default": return .none
    case "linear": return .linear(factor: try section.positive("factor"))
    case "llama3":
      let low = try section.positive("low_freq_factor")
      let high = try section.positive("high_freq_factor")
      guard high > low else { throw section.invalid("high_freq_factor", "a number above low_freq_factor") }
      return .llama3(
        factor: try section.positive("factor"), lowFrequencyFactor: low, highFrequencyFactor: high,
        originalContext: try section.integer("original_max_position_embeddings"))
    default: throw section.invalid(key, "default, linear or llama3")
    }
  }

  /// [positions, D] in row order: the cosines of the D/2 angles, then their sines.
  ///
  /// Frequencies and angles are rounded to Float before the cosine is taken, as transformers does: at thousands of
  /// positions that rounding is larger than anything else here.
  func table(positions: Int) -> [Float] {
    let half = dimension / 2
    let frequencies = (0..<half).map { Float(frequency($0)) }
    var table = [Float](repeating: 0, count: positions * dimension)
    for position in 0..<positions {
      for index in 0..<half {
        let angle = Double(Float(position) * frequencies[index])
        table[position * dimension + index] = Float(cos(angle))
        table[position * dimension + half + index] = Float(sin(angle))
      }
    }
    return table
  }

  private func frequency(_ index: Int) -> Double {
    let base = 1 / pow(theta, Double(2 * index) / Double(dimension))
    switch scaling {
    case .none: return base
    case .linear(let factor): return base / factor
    case .llama3(let factor, let low, let high, let context):
      let wavelength = 2 * Double.pi / base
      if wavelength > Double(context) / low { return base / factor }
      if wavelength < Double(context) / high { return base }
      let smooth = (Double(context) / wavelength - low) / (high - low)
      return (1 - smooth) * base / factor + smooth * base
    }
  }
}
