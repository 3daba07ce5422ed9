// swift-tools-version: 6.0
import PackageDescription

/// Kernels are optimised in debug builds too, or the tests crawl.
let kernelSettings: [CSetting] = [.unsafeFlags(["-O3", "-fno-math-errno", "-fvisibility=hidden"])]
/// Loops that a GPU needs unrolled take minutes to compile for the processor.
let emulationSettings: [CXXSetting] = [
  .unsafeFlags(["-O2", "-mllvm", "-pragma-unroll-threshold=1", "-Wno-pass-failed", "-fvisibility=hidden"])
]

let package = Package(
  name: "inheritune",
  products: [
    .executable(name: "inheritune", targets: ["inheritune"]),
    // For tests of the command line: what libinheritune_cuda.so is, over the emulation.
    .library(name: "inheritune_cuda_emulated", type: .dynamic, targets: ["CUDAKernels"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // C, and what knows no other room.
    .target(name: "CKernels", cSettings: kernelSettings),
    .target(name: "CCUDA"),
    .target(name: "CHDF5"),
    .target(name: "CSHA256"),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"])]),
    .target(name: "Files", dependencies: ["CSHA256"]),
    .target(name: "Tensors"),

    // The engine.
    .target(name: "CPUBackend", dependencies: ["CKernels", "Tensors"]),
    .target(name: "CUDABackend", dependencies: ["CCUDA", "Tensors"]),
    // The CUDA kernels over an emulation of CUDA, for tests; scripts/build-cuda.sh builds the real library from them.
    .target(name: "CUDAKernels", dependencies: ["CCUDA"], cxxSettings: emulationSettings),
    .target(name: "Profiling", dependencies: ["Tensors"]),
    .target(name: "Programs", dependencies: ["Tensors"]),
    .target(name: "ReferenceBackend", dependencies: ["Tensors"], swiftSettings: [.unsafeFlags(["-O"])]),
    .target(
      name: "DeviceChecks", dependencies: ["ReferenceBackend", "Tensors"], swiftSettings: [.unsafeFlags(["-O"])]),

    // Formats of text.
    .target(name: "YAML", dependencies: [.product(name: "Yams", package: "Yams")]),
    .target(name: "Templates", dependencies: ["Files"]),

    // Models and data.
    .target(name: "HDF5", dependencies: ["CHDF5", "CZlib", "Files"]),
    .target(name: "Checkpoints", dependencies: ["CZlib", "Files", "HDF5"]),
    .target(name: "Tokenization", dependencies: ["Files"]),
    .target(name: "Models", dependencies: ["Checkpoints", "Files", "Programs", "Tensors"]),
    .target(name: "ModelChecks", dependencies: ["Checkpoints", "Files", "Models", "Programs", "Tensors"]),
    .target(name: "Datasets", dependencies: ["CZlib", "CZstd", "Files", "HDF5", "Tensors", "Tokenization"]),

    // What is done with them.
    .target(name: "Inheritance", dependencies: ["Checkpoints", "Files", "Models", "Programs", "Tensors"]),
    .target(
      name: "Training",
      dependencies: [
        "Checkpoints", "Datasets", "Files", "Models", "Profiling", "Programs", "Tensors", "YAML",
      ]),
    .target(
      name: "Evaluation", dependencies: ["Files", "Models", "Programs", "Templates", "Tensors", "Tokenization", "YAML"]),

    // The command line.
    .executableTarget(
      name: "inheritune",
      dependencies: [
        "CPUBackend", "CUDABackend", "Checkpoints", "Datasets", "Evaluation", "Files", "HDF5", "Inheritance",
        "Models", "Profiling", "Programs", "Tensors", "Tokenization", "Training",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ]),

    // Checks and measures a device; scripts/gpu-check.sh runs it where there is a GPU.
    .executableTarget(
      name: "device-check",
      dependencies: [
        "CCUDA", "CPUBackend", "CUDABackend", "CUDAKernels", "DeviceChecks", "Files", "ModelChecks", "Models",
        "Programs",
        "Tensors", "Training", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    // What scripts/quickstart.sh needs besides: made-up text, a tokenizer for it, the table and the figure.
    .target(name: "QuickstartData", dependencies: ["Files", "Tensors", "Tokenization"]),
    .executableTarget(
      name: "quickstart-data",
      dependencies: ["QuickstartData", .product(name: "ArgumentParser", package: "swift-argument-parser")]),

    // Tests.
    .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
    .target(name: "CUDATestKernels", dependencies: ["CUDAKernels"], path: "Tests/CUDATestKernels"),
    .target(
      name: "TestSupport", dependencies: ["DeviceChecks", "Files", "ReferenceBackend", "Tensors"],
      path: "Tests/TestSupport"),
    .testTarget(name: "FilesTests", dependencies: ["Files"]),
    .testTarget(name: "CPUBackendTests", dependencies: ["CKernels", "CPUBackend", "Tensors", "TestSupport"]),
    .testTarget(
      name: "CUDABackendTests",
      dependencies: [
        "CCUDA", "CUDABackend", "CUDAKernels", "CUDATestKernels", "DeviceChecks", "Files", "ModelChecks", "Models",
        "Programs", "ReferenceBackend", "Tensors", "TestSupport", "Training",
      ]),
    .testTarget(
      name: "ProfilingTests", dependencies: ["DeviceChecks", "Profiling", "ReferenceBackend", "Tensors", "TestSupport"]),
    .testTarget(
      name: "ProgramsTests", dependencies: ["CAllocationCounter", "CPUBackend", "Programs", "Tensors", "TestSupport"]),
    .target(name: "HDF5Fixtures", dependencies: ["HDF5"], path: "Tests/HDF5Fixtures"),
    .testTarget(name: "HDF5Tests", dependencies: ["CZlib", "Files", "HDF5", "HDF5Fixtures"]),
    .testTarget(
      name: "CheckpointsTests", dependencies: ["CZlib", "Checkpoints", "Files", "HDF5", "HDF5Fixtures", "TestSupport"]),
    .testTarget(name: "TemplatesTests", dependencies: ["Files", "Templates", "TestSupport"]),
    .testTarget(name: "TokenizationTests", dependencies: ["Files", "TestSupport", "Tokenization"]),
    .testTarget(
      name: "ModelsTests",
      dependencies: [
        "CPUBackend", "Checkpoints", "Files", "ModelChecks", "Models", "Programs", "Tensors", "TestSupport",
      ]),
    .testTarget(
      name: "InheritanceTests",
      dependencies: [
        "CPUBackend", "Checkpoints", "Files", "HDF5", "Inheritance", "Models", "Programs", "Tensors", "TestSupport",
      ]),
    .testTarget(
      name: "DatasetsTests",
      dependencies: [
        "CZlib", "CZstd", "Datasets", "Files", "HDF5", "HDF5Fixtures", "Tensors", "TestSupport", "Tokenization",
      ]),
    .testTarget(
      name: "TrainingTests",
      dependencies: [
        "CPUBackend", "Checkpoints", "Datasets", "Files", "HDF5Fixtures", "Models", "Profiling", "Programs", "Tensors",
        "TestSupport",
        "Tokenization", "Training",
      ]),
    .testTarget(
      name: "EvaluationTests",
      dependencies: [
        "CPUBackend", "Checkpoints", "Evaluation", "Files", "Models", "Programs", "Templates", "Tensors", "TestSupport",
        "Tokenization",
      ]),
    .testTarget(name: "QuickstartDataTests", dependencies: ["Files", "QuickstartData", "TestSupport", "Tokenization"]),
    .testTarget(name: "CommandTests", dependencies: ["device-check", "inheritune"]),
  ],
  cxxLanguageStandard: .cxx17
)
