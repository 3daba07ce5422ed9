// swift-tools-version: 6.0
import PackageDescription

/// Programs that are timed against other libraries; a package of its own, so that nothing here is built with the tool. The
/// rooms are links to the ones that are measured.
let package = Package(
  name: "Benchmarks",
  targets: [
    .target(name: "CSHA256"),
    .target(name: "Files", dependencies: ["CSHA256"]),
    .target(name: "Tokenization", dependencies: ["Files"]),
    .executableTarget(name: "tokenize", dependencies: ["Files", "Tokenization"]),
  ]
)
