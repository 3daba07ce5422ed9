import Foundation

/// Validation loss against tokens trained on, one curve a model, as an SVG.
///
/// The losses of each run's first quarter may be cut off at the top: they would press everything else flat.
struct LossChart {
  struct Curve {
    var label: String
    /// (tokens, loss), in the order of the tokens.
    var points: [(x: Double, y: Double)]
  }

  /// Blue, vermilion and green of Okabe and Ito, told apart by colour-blind readers too.
  private static let colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7"]
  private static let width = 860.0
  private static let height = 460.0
  /// The plotting area; names and last values stand to the right of it.
  private static let plot = (left: 64.0, top: 56.0, right: 610.0, bottom: 400.0)

  private let title: String
  private let curves: [Curve]
  private let xTicks: Ticks
  private let yTicks: Ticks

  /// - Parameter curves: at least one, each with at least two points.
  init(title: String, curves: [Curve]) {
    self.title = title
    self.curves = curves
    let end = curves.flatMap(\.points).map(\.x).max() ?? 1
    let shown = curves.flatMap { $0.points.suffix(($0.points.count * 3 + 3) / 4).map(\.y) }
    xTicks = Ticks(covering: 0...end)
    yTicks = Ticks(covering: (shown.min() ?? 0)...(shown.max() ?? 1))
  }

  var svg: String {
    let plot = Self.plot
    var lines = [
      """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(Self.width)) \(Int(Self.height))" \
      font-family="system-ui, sans-serif" font-size="13" fill="#333">
      """,
      "<title>\(escaped(title))</title>",
      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>",
      text(title, x: plot.left, y: 30, attributes: "font-size=\"17\" font-weight=\"600\""),
      """
      <clipPath id="plot"><rect x="\(plot.left)" y="\(plot.top)" width="\(plot.right - plot.left)" \
      height="\(plot.bottom - plot.top)"/></clipPath>
      """,
    ]
    for tick in yTicks.values {
      lines.append("<path d=\"M\(plot.left) \(at(y: tick))H\(plot.right)\" stroke=\"#ddd\"/>")
      lines.append(text(yTicks.label(tick), x: plot.left - 8, y: y(tick) + 4, attributes: "text-anchor=\"end\""))
    }
    for tick in xTicks.values {
      lines.append("<path d=\"M\(at(x: tick)) \(plot.bottom)v5\" stroke=\"#333\"/>")
      lines.append(text(Number.short(Int(tick)), x: x(tick), y: plot.bottom + 20, attributes: "text-anchor=\"middle\""))
    }
    lines.append("<path d=\"M\(plot.left) \(plot.bottom)H\(plot.right)\" stroke=\"#333\"/>")
    lines.append(
      text(
        "tokens trained on", x: (plot.left + plot.right) / 2, y: plot.bottom + 42, attributes: "text-anchor=\"middle\"")
    )
    lines.append(text("validation loss (nats per token)", x: plot.left, y: plot.top - 8))
    for (curve, colour) in zip(curves, Self.colours) { lines.append(line(curve, colour)) }
    lines += labels
    lines.append("</svg>")
    return lines.joined(separator: "\n") + "\n"
  }

  // MARK: - Curves

  private func line(_ curve: Curve, _ colour: String) -> String {
    let points = curve.points.map { "\(at(x: $0.x)),\(at(y: $0.y))" }.joined(separator: " ")
    return """
      <polyline points="\(points)" fill="none" stroke="\(colour)" stroke-width="2.2" stroke-linejoin="round" \
      clip-path="url(#plot)"/>
      """
  }

  /// Each curve's name and last value, at the height of its end, moved apart where they would touch.
  private var labels: [String] {
    let lineHeight = 18.0
    let ends = zip(curves, Self.colours).compactMap { curve, colour in
      curve.points.last.map { (label: "\(curve.label): \(Number.fixed($0.y, 3))", colour: colour, end: $0) }
    }
    var lines: [String] = []
    var lowest = -Double.infinity
    for item in ends.sorted(by: { $0.end.y > $1.end.y }) {
      let height = max(y(item.end.y), lowest + lineHeight)
      lowest = height
      let right = Self.plot.right
      lines.append(
        "<circle cx=\"\(at(x: item.end.x))\" cy=\"\(at(y: item.end.y))\" r=\"3.5\" fill=\"\(item.colour)\"/>")
      lines.append(
        """
        <path d="M\(coordinate(x(item.end.x) + 6)) \(at(y: item.end.y))L\(right + 6) \(coordinate(height))" \
        stroke="\(item.colour)" stroke-width="0.8" stroke-dasharray="2 3" fill="none"/>
        """)
      lines.append(
        text(item.label, x: right + 10, y: height + 4, attributes: "fill=\"\(item.colour)\" font-weight=\"600\""))
    }
    return lines
  }

  // MARK: - Coordinates

  private func x(_ value: Double) -> Double {
    Self.plot.left + (value - xTicks.range.lowerBound) / xTicks.length * (Self.plot.right - Self.plot.left)
  }

  private func y(_ value: Double) -> Double {
    Self.plot.bottom - (value - yTicks.range.lowerBound) / yTicks.length * (Self.plot.bottom - Self.plot.top)
  }

  private func at(x value: Double) -> String { coordinate(x(value)) }
  private func at(y value: Double) -> String { coordinate(y(value)) }
  private func coordinate(_ value: Double) -> String { Number.fixed(value, 1) }

  private func text(_ content: String, x: Double, y: Double, attributes: String = "") -> String {
    "<text x=\"\(coordinate(x))\" y=\"\(coordinate(y))\" \(attributes)>\(escaped(content))</text>"
  }

  private func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }
}

/// Round numbers along an axis, and the range that ends at round numbers.
struct Ticks {
  let values: [Double]
  let range: ClosedRange<Double>
  private let step: Double

  var length: Double { range.upperBound - range.lowerBound }

  /// About five steps of 1, 2 or 5 times a power of ten.
  init(covering data: ClosedRange<Double>) {
    let rough = max(data.upperBound - data.lowerBound, 1e-6) / 5
    let power = pow(10, floor(log10(rough)))
    let step = power * ([1, 2, 5].first { $0 * power >= rough } ?? 10)
    self.step = step
    let first = floor(data.lowerBound / step)
    let last = max(first + 1, ceil(data.upperBound / step))
    values = stride(from: first, through: last, by: 1).map { $0 * step }
    range = first * step...last * step
  }

  /// With as many decimals as the step needs.
  func label(_ value: Double) -> String { Number.fixed(value, max(0, Int(-floor(log10(step))))) }
}
