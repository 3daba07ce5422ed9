// swift-tools-version: 6.0
import PackageDescription

/// Programs that measure, alone or beside other libraries; a package of its own, so that nothing here is built with the
/// tool. The rooms are links to the ones that are measured.
let package = Package(
  name: "Benchmarks",
  targets: [
    // As in the package that is measured.
    .target(
      name: "CKernels", cSettings: [.unsafeFlags(["-O3", "-fno-math-errno", "-fvisibility=hidden"])]),
    .target(name: "CSHA256"),
    .target(name: "Files", dependencies: ["CSHA256"]),
    .target(name: "Tensors"),
    .target(name: "CPUBackend", dependencies: ["CKernels", "Tensors"]),
    .target(name: "Tokenization", dependencies: ["Files"]),
    .executableTarget(name: "kernels", dependencies: ["CPUBackend", "Files", "Tensors"]),
    .executableTarget(name: "tokenize", dependencies: ["Files", "Tokenization"]),
  ]
)
