import Checkpoints
import Files
import Glibc

/// The environment says which target: FUZZ_TARGET=safetensors; and a directory in memory to work in: FUZZ_DIRECTORY.
private let target: FuzzTarget = {
  guard let name = getenv("FUZZ_TARGET"), let target = FuzzTarget(rawValue: String(cString: name)) else {
    fatalError("FUZZ_TARGET: expected one of \(FuzzTarget.allCases.map(\.rawValue).joined(separator: ", "))")
  }
  return target
}()

private let directory: String = {
  guard let parent = getenv("FUZZ_DIRECTORY") else { fatalError("FUZZ_DIRECTORY is not set") }
  let directory = "\(String(cString: parent))/\(getpid())"
  guard mkdir(directory, 0o700) == 0 else { fatalError("\(directory) cannot be made") }
  if target == .index {
    for shard in ["a", "b"] {
      let tensor = TensorSource(name: shard, type: .float32, shape: [2]) { _, bytes in
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
      }
      do { try SafetensorsWriter.write([tensor], toFile: "\(directory)/\(shard).safetensors") } catch {
        fatalError("\(error)")
      }
    }
  }
  return directory
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let path = directory + "/" + target.fileName
  let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
  guard file >= 0, count == 0 || write(file, bytes, count) == count else { fatalError("\(path) cannot be written") }
  close(file)
  do { try target.read(directory) } catch { _ = "\(error)" }
  return 0
}
