import TestSupport

/// The random strings of scripts/tokenizer_differential.py: text k of a seed is the same there.
struct RandomTexts {
  /// A part is one of several strings, or a scalar of one of several ranges.
  private enum Kind {
    case strings([String])
    case scalars([ClosedRange<UInt32>])
  }

  let seed: UInt64

  private static let mostParts: UInt64 = 16

  func text(_ index: Int) -> String {
    var first = SeededGenerator(seed: seed &+ UInt64(index))
    var random = SeededGenerator(seed: first.next())
    var text = String.UnicodeScalarView()
    for _ in 0...random.next() % RandomTexts.mostParts {
      let kind = RandomTexts.kinds[Int(random.next() % UInt64(RandomTexts.kinds.count))]
      let value = random.next()
      let (choice, place) = (Int(value & 0xFFFF_FFFF), value >> 32)
      switch kind {
      case .strings(let strings): text.append(contentsOf: strings[choice % strings.count].unicodeScalars)
      case .scalars(let ranges):
        let range = ranges[choice % ranges.count]
        let scalar = range.lowerBound + UInt32(place % UInt64(range.count))
        Unicode.Scalar(scalar).map { text.append($0) }
      }
    }
    return String(text)
  }

  private static let kinds: [Kind] = [
    .strings([
      "a", "the", "ing", "Hello", "WORLD", "don", "re", "ll", "ization", "x", "I", "in", "er", "\u{C9}T\u{C9}",
      "na\u{EF}ve", "\u{DF}",
    ]),
    .strings([" "]),
    .strings([" "]),
    .strings([
      "  ", "   ", "        ", " \u{A}", "\u{A} ", "\u{A}\u{A}", "\u{D}\u{A}", "\u{9}\u{9}", "\u{A}  \u{A}", " \u{9}",
    ]),
    .strings([
      "\u{9}", "\u{A}", "\u{D}", "\u{B}", "\u{C}", "\u{85}", "\u{A0}", "\u{1680}", "\u{2000}", "\u{200A}", "\u{2028}",
      "\u{2029}", "\u{202F}", "\u{205F}", "\u{3000}", "\u{180E}", "\u{200B}", "\u{2060}", "\u{FEFF}", "\u{1C}",
      "\u{1F}",
    ]),
    .strings([
      "'s", "'S", "'t", "'T", "'re", "'RE", "'rE", "'ve", "'Ve", "'m", "'M", "'ll", "'LL", "'d", "'D", "'\u{17F}", "'r",
      "'", "\u{2019}s",
    ]),
    .scalars([0x61...0x7A]),
    .scalars([0x41...0x5A]),
    .scalars([0x30...0x39]),
    .scalars([0x21...0x7E]),
    .scalars([0x0...0x1F, 0x7F...0x9F]),
    .scalars([0xA0...0x24F, 0x370...0x3FF, 0x400...0x52F, 0x531...0x556, 0x10A0...0x10FF]),
    .scalars([
      0x590...0x6FF, 0x900...0x97F, 0x980...0x9FF, 0xB80...0xBFF, 0xE00...0xEFF, 0xF00...0xFFF, 0x1000...0x109F,
    ]),
    .scalars([0x1100...0x11FF, 0x1100...0x1112, 0x1161...0x1175, 0x11A7...0x11C2, 0xAC00...0xD7A3, 0xD7A4...0xD7FF]),
    .scalars([0x3041...0x30FF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x2FA1F]),
    .scalars([
      0x300...0x345, 0x300...0x36F, 0x591...0x5BD, 0x64B...0x65F, 0x93C...0x94D, 0x1AB0...0x1AFF, 0x1DC0...0x1DFF,
      0x302A...0x302F, 0x3099...0x309A, 0x1D165...0x1D172,
    ]),
    .scalars([
      0xB2...0xB9, 0xBC...0xBE, 0x660...0x669, 0x966...0x96F, 0x2150...0x218F, 0x2460...0x249B, 0x3220...0x3229,
      0xFF10...0xFF19, 0x1D7CE...0x1D7FF,
    ]),
    .scalars([
      0x1E00...0x1EFF, 0x1F00...0x1FFF, 0x958...0x95F, 0x2126...0x212B, 0xF71...0xF81, 0x2ADC...0x2ADC, 0xFB1D...0xFB4E,
    ]),
    .scalars([
      0x1F300...0x1FAFF, 0x1F1E6...0x1F1FF, 0x1F3FB...0x1F3FF, 0x200D...0x200D, 0xFE0F...0xFE0F, 0x2600...0x27BF,
    ]),
    .strings([
      "\u{1F469}\u{200D}\u{1F680}", "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}\u{200D}\u{1F466}",
      "\u{1F1EB}\u{1F1F7}", "\u{1F44D}\u{1F3FD}", "\u{2764}\u{FE0F}", "e\u{301}", "o\u{302}\u{323}", "o\u{323}\u{302}",
      "q\u{307}\u{323}", "\u{1100}\u{1161}\u{11A8}", "\u{F71}\u{F72}",
    ]),
    .scalars([
      0xD7FF...0xD7FF, 0xE000...0xE001, 0xFFFD...0xFFFF, 0x10000...0x10000, 0x10FFFF...0x10FFFF, 0xFDD0...0xFDEF,
    ]),
    .strings([
      "<|endoftext|>", "<|endof", "text|>", "<|padding|>", "<s>", "</s>", "<unk>", "<", "|>", "[PAD]", "<0x41>",
      "\u{2581}", "\u{2581}\u{2581}", "\u{2581}the",
    ]),
    .scalars([0x0...0xD7FF, 0xE000...0xFFFF]),
    .scalars([0x10000...0x10FFFF, 0x10000...0x1FFFF]),
  ]
}
