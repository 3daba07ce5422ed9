import CPUBackend
import Dispatch
import Files
import Tensors

/// How fast each of what can multiply matrices is on this machine, and which one a command takes; or what is missing.
struct MatmulReport {
  private(set) var entries = JSONObject()

  /// - Throws: `DeviceError` where the threads, or the library that was asked for, cannot be had.
  init(_ options: DeviceOptions) throws(DeviceError) {
    let taken = try options.makeCPU(options.blas)
    var devices = [taken]
    var descriptions = JSONObject()
    for provider in BLAS.providers {
      let key = provider.rawValue
      do throws(DeviceError) {
        let device = try options.makeCPU(provider)
        devices.append(device)
        descriptions[key + "_gflops"] = .null
        descriptions[key + "_version"] = device.blas.version.map(JSON.string)
        descriptions[key + "_core"] = device.blas.core.map(JSON.string)
        descriptions[key + "_path"] = device.blas.path.map(JSON.string)
      } catch {
        // `makeCPU` fails for all, or for want of a library.
        if provider == .plain { throw error }
        descriptions[key + "_missing"] = .string("\(error)")
      }
    }
    let rates = try MatmulReport.operationsPerSecond(of: devices).map { JSON.number(($0 / 1e8).rounded() / 10) }
    for (key, rate) in zip(descriptions.map(\.key).filter { $0.hasSuffix("_gflops") }, rates.dropFirst()) {
      descriptions[key] = rate
    }
    entries["cpu_threads"] = .integer(Int64(taken.threads))
    entries["blas"] = .string(MatmulReport.names(taken))
    entries["matmul_gflops"] = rates[0]
    for (key, value) in descriptions { entries[key] = value }
  }

  /// "oneDNN", or "plain C for NT; oneDNN for NN, TN".
  private static func names(_ device: CPUDevice) -> String {
    var products: [(provider: BLAS, kinds: [String])] = []
    for (product, provider) in device.chosenProducts {
      let kind = String(product.prefix(2))
      guard let index = products.firstIndex(where: { $0.provider == provider }) else {
        products.append((provider, [kind]))
        continue
      }
      if !products[index].kinds.contains(kind) { products[index].kinds.append(kind) }
    }
    switch products.count {
    case 0: return device.blas.name
    case 1: return products[0].provider.name
    default:
      return products.map { "\($0.provider.name) for \($0.kinds.joined(separator: ", "))" }.joined(separator: "; ")
    }
  }

  /// Floating-point operations a second in the three products of two layers of GPT-2's: y = x·Wᵀ (NT), dx = dy·W (NN)
  /// and dW += dyᵀ·x (TN). Medians; devices take turns, so that a change of clocks meets all alike.
  private static func operationsPerSecond(of devices: [CPUDevice]) throws(DeviceError) -> [Double] {
    let rows = 256
    var operations = 0.0
    var seconds = [Double](repeating: 0, count: devices.count)
    for (inputs, outputs) in [(768, 2304), (3072, 768)] {
      let x = try tensor(devices[0], rows, inputs)
      let w = try tensor(devices[0], outputs, inputs)
      let y = try tensor(devices[0], rows, outputs)
      defer { for tensor in [x, w, y] { devices[0].release(tensor.address) } }
      let products: [(CPUDevice) -> Void] = [
        { $0.matmul(y, x, w, transposeA: false, transposeB: true, accumulate: .set, bias: nil) },
        { $0.matmul(x, y, w, transposeA: false, transposeB: false, accumulate: .set, bias: nil) },
        { $0.matmul(w, y, x, transposeA: true, transposeB: false, accumulate: .set, bias: nil) },
      ]
      for product in products {
        operations += 2 * Double(rows) * Double(inputs) * Double(outputs)
        for (index, median) in medians(of: devices, product).enumerated() { seconds[index] += median }
      }
    }
    return seconds.map { operations / $0 }
  }

  private static func medians(of devices: [CPUDevice], _ product: (CPUDevice) -> Void) -> [Double] {
    for device in devices { product(device) }  // libraries choose, load and make code
    var times = devices.map { _ in [Double]() }
    let start = now
    // On a slow machine one turn has to do.
    for turn in 0..<devices.count where turn == 0 || now - start < 0.2 {
      for place in devices.indices {
        let index = (turn + place) % devices.count
        let start = now
        product(devices[index])
        times[index].append(now - start)
      }
    }
    return times.map { $0.sorted()[$0.count / 2] }
  }

  private static func tensor(_ device: CPUDevice, _ rows: Int, _ columns: Int) throws(DeviceError) -> Tensor {
    let bytes = rows * columns * DType.float32.size
    let tensor = Tensor(address: try device.allocate(bytes: bytes), rows: rows, columns: columns)
    // Small enough that products of products stay finite.
    let row = (0..<columns).map { Float($0 % 31 - 15) / 1000 }
    for index in 0..<rows { row.withUnsafeBufferPointer { device.write($0, to: tensor.rows(index..<index + 1)) } }
    return tensor
  }

  private static var now: Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }
}
