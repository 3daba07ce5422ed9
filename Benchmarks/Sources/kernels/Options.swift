import CPUBackend

/// The step whose kernels are measured.
struct Options {
  enum Family: String { case gpt2, llama }
  enum Name: String, CaseIterable { case products, attention, passes }

  var sections = Name.allCases
  var family = Family.gpt2
  var layers = 12, width = 768, heads = 12, feedForward = 3072, vocabulary = 50257
  var batch = 4, length = 256
  var threads = Processors.available
  var json = false

  /// N.
  var rows: Int { batch * length }
  /// Rows of the logits that are computed at once, as `HeadChunk` has it: 256, or as many as make 50 MiB.
  var headRows: Int { min(rows, max(256, (50 << 20) / (4 * vocabulary))) }

  /// nil for what is no option, or no number above 0.
  init?(_ arguments: ArraySlice<String>) {
    var arguments = arguments
    if let section = arguments.first.flatMap(Name.init) {
      sections = [section]
      arguments.removeFirst()
    }
    let numbers: [String: WritableKeyPath<Options, Int>] = [
      "--layers": \.layers, "--width": \.width, "--heads": \.heads, "--feed-forward": \.feedForward,
      "--vocabulary": \.vocabulary, "--batch": \.batch, "--length": \.length, "--threads": \.threads,
    ]
    while let option = arguments.popFirst() {
      if option == "--json" {
        json = true
      } else if option == "--family" {
        guard let family = arguments.popFirst().flatMap(Family.init) else { return nil }
        self.family = family
      } else {
        guard let path = numbers[option], let value = arguments.popFirst().flatMap(Int.init), value > 0 else {
          return nil
        }
        self[keyPath: path] = value
      }
    }
    if width % heads != 0 { return nil }
  }
}
