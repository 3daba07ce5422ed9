// swift-tools-version: 6.0
import PackageDescription

/// Kernels are optimised in debug builds too, or the tests crawl.
let kernelSettings: [CSetting] = [.unsafeFlags(["-O3", "-fno-math-errno", "-fvisibility=hidden"])]

let package = Package(
  name: "inheritune",
  products: [.executable(name: "inheritune", targets: ["inheritune"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // C, and what knows no other room.
    .target(name: "CKernels", cSettings: kernelSettings),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"])]),
    .target(name: "Files"),
    .target(name: "Tensors"),

    // The engine.
    .target(name: "CPUBackend", dependencies: ["CKernels", "Tensors"]),
    .target(name: "Programs", dependencies: ["Tensors"]),

    // Models and data.
    .target(name: "Checkpoints", dependencies: ["Files"]),
    .target(name: "Tokenization", dependencies: ["Files"]),
    .target(name: "Models", dependencies: ["Checkpoints", "Files", "Programs", "Tensors"]),
    .target(name: "Datasets", dependencies: ["CZlib", "CZstd", "Files", "Tensors", "Tokenization"]),

    // What is done with them.
    .target(name: "Inheritance", dependencies: ["Checkpoints", "Files", "Models", "Programs", "Tensors"]),
    .target(
      name: "Training",
      dependencies: [
        "Checkpoints", "Datasets", "Files", "Models", "Programs", "Tensors", .product(name: "Yams", package: "Yams"),
      ]),
    .target(name: "Evaluation", dependencies: ["Files", "Models", "Programs", "Tensors", "Tokenization"]),

    // The command line; the only room that knows a backend.
    .executableTarget(
      name: "inheritune",
      dependencies: [
        "CPUBackend", "Checkpoints", "Datasets", "Evaluation", "Files", "Inheritance", "Models", "Programs", "Tensors",
        "Tokenization", "Training", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ]),

    // What scripts/quickstart.sh needs besides: made-up text, a tokenizer for it, the table and the figure.
    .target(name: "QuickstartData", dependencies: ["Files", "Tensors", "Tokenization"]),
    .executableTarget(
      name: "quickstart-data",
      dependencies: ["QuickstartData", .product(name: "ArgumentParser", package: "swift-argument-parser")]),

    // Tests.
    .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
    .target(
      name: "TestSupport", dependencies: ["Files", "Tensors"], path: "Tests/TestSupport",
      swiftSettings: [.unsafeFlags(["-O"])]),  // the reference kernels
    .testTarget(name: "FilesTests", dependencies: ["Files"]),
    .testTarget(name: "CPUBackendTests", dependencies: ["CKernels", "CPUBackend", "Tensors", "TestSupport"]),
    .testTarget(
      name: "ProgramsTests", dependencies: ["CAllocationCounter", "CPUBackend", "Programs", "Tensors", "TestSupport"]),
    .testTarget(name: "CheckpointsTests", dependencies: ["Checkpoints", "Files", "TestSupport"]),
    .testTarget(name: "TokenizationTests", dependencies: ["Files", "TestSupport", "Tokenization"]),
    .testTarget(
      name: "ModelsTests",
      dependencies: ["CPUBackend", "Checkpoints", "Files", "Models", "Programs", "Tensors", "TestSupport"]),
    .testTarget(
      name: "InheritanceTests",
      dependencies: ["CPUBackend", "Checkpoints", "Files", "Inheritance", "Models", "Programs", "Tensors", "TestSupport"]),
    .testTarget(
      name: "DatasetsTests",
      dependencies: ["CZlib", "CZstd", "Datasets", "Files", "Tensors", "TestSupport", "Tokenization"]),
    .testTarget(
      name: "TrainingTests",
      dependencies: [
        "CPUBackend", "Checkpoints", "Datasets", "Files", "Models", "Programs", "Tensors", "TestSupport",
        "Tokenization", "Training",
      ]),
    .testTarget(
      name: "EvaluationTests",
      dependencies: [
        "CPUBackend", "Checkpoints", "Evaluation", "Files", "Models", "Programs", "Tensors", "TestSupport",
        "Tokenization",
      ]),
    .testTarget(name: "QuickstartDataTests", dependencies: ["Files", "QuickstartData", "TestSupport", "Tokenization"]),
    .testTarget(name: "CommandTests", dependencies: ["inheritune"]),
  ]
)
