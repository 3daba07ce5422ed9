// swift-tools-version: 6.0
import PackageDescription

/// libFuzzer over everything that reads untrusted files; scripts/fuzz.sh builds and runs it. A package of its own, because
/// all of it is compiled with `--sanitize=fuzzer`; the rooms are links to the ones it tests.
let package = Package(
  name: "Fuzzing",
  targets: [
    .target(name: "CHDF5"),
    .target(name: "CSHA256"),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "Files", dependencies: ["CSHA256"]),
    .target(name: "Tensors"),
    .target(name: "Programs", dependencies: ["Tensors"]),
    .target(name: "HDF5", dependencies: ["CHDF5", "CZlib", "Files"]),
    .target(name: "Checkpoints", dependencies: ["CZlib", "Files", "HDF5"]),
    .target(name: "Tokenization", dependencies: ["Files"]),
    .target(name: "Models", dependencies: ["Checkpoints", "Files", "Programs", "Tensors"]),
    .target(name: "FuzzTargets", dependencies: ["Checkpoints", "Files", "Models", "Tokenization"]),
    // libFuzzer brings `main`; a Swift executable would bring its own.
    .executableTarget(name: "fuzz", dependencies: ["FuzzTargets"]),
  ]
)
