import CPUBackend
import Tensors
import TestSupport

/// The devices that programs are tested on.
enum TestDevice: CaseIterable, Sendable {
  case reference
  case cpu

  func make() throws -> any Device {
    switch self {
    case .reference: ReferenceDevice()
    case .cpu: try CPUDevice(threads: 2)
    }
  }
}
