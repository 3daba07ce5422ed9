import Files

/// Everything in an HDF5 file, found by a walk through its groups.
struct HDF5Tree {
  /// Deeper nesting than any writer of models makes.
  private static let depthLimit = 64

  /// By their paths from the root. One with several names is here several times.
  private(set) var datasets: [String: HDF5Dataset] = [:]
  /// What else has a name among them, and why it cannot be read.
  private(set) var refusals: [String: String] = [:]
  /// The attributes of each group, by its path; one with several names has the shortest.
  private(set) var groups: [String: JSONObject] = [:]

  private let input: HDF5Input
  private let heap: HDF5GlobalHeap
  private var lists: HDF5Groups
  /// What is at an address; each object is read once, whatever number of names it has.
  private var objects: [Int: Found] = [:]
  private var names: Set<String> = []
  private var softLinks: [(path: String, group: String, target: String)] = []
  private var waiting: [Group] = []

  private enum Found {
    case group
    case dataset(HDF5Dataset)
    case refused(String)
    /// A type with a name.
    case other
  }

  private struct Group {
    var path: String
    var object: HDF5Object
    var depth: Int
  }

  init(_ input: HDF5Input) throws(HDF5Failure) {
    self.input = input
    heap = HDF5GlobalHeap(input)
    lists = HDF5Groups(input)
    let root = try HDF5Superblock(input).root
    let object = try HDF5Object(input, at: root)
    guard object.isGroup else { throw .damaged("its root is no group") }
    objects[root] = .group
    waiting = [Group(path: "", object: object, depth: 0)]
    // Level by level, so that what has several names gets its group from the shortest.
    var next = 0
    while next < waiting.count {
      try visit(waiting[next])
      next += 1
    }
    resolveSoftLinks()
    try checkPlaces()
  }

  // MARK: Walking

  private mutating func visit(_ group: Group) throws(HDF5Failure) {
    let links: [(name: String, link: HDF5Link)]
    do throws(HDF5Failure) {
      links = try lists.links(of: group.object)
      guard try !group.object.hasDenseAttributes() else {
        throw .unsupported("its attributes are stored in a dense form; \(HDF5Advice.attributes)")
      }
      groups[group.path] = try group.object.values(heap)
    } catch .unsupported(let reason) {
      throw .unsupported("group \(JSON.string("/" + group.path).serialized().prefix(160)): \(reason)")
    }
    for (name, link) in links {
      let path = group.path.isEmpty ? name : group.path + "/" + name
      try input.charge(path.utf8.count)
      guard names.insert(path).inserted else {
        throw .damaged("two objects are named \(JSON.string(path).serialized().prefix(160))")
      }
      switch link {
      case .object(let address): try add(path, at: address, depth: group.depth + 1)
      case .soft(let target): softLinks.append((path, group.path, target))
      case .elsewhere(let what): refusals[path] = what
      }
    }
  }

  private mutating func add(_ path: String, at address: Int, depth: Int) throws(HDF5Failure) {
    let found: Found
    if let known = objects[address] {
      found = known
    } else {
      let object = try HDF5Object(input, at: address)
      found = try self.found(object)
      objects[address] = found
      if case .group = found {
        guard depth < HDF5Tree.depthLimit else { throw .damaged("groups are nested \(depth) deep") }
        waiting.append(Group(path: path, object: object, depth: depth))
      }
    }
    switch found {
    case .dataset(let dataset): datasets[path] = dataset
    case .refused(let reason): refusals[path] = reason
    // A group that has been seen under another name; it may contain itself.
    case .group, .other: break
    }
  }

  private func found(_ object: HDF5Object) throws(HDF5Failure) -> Found {
    if object.isGroup { return .group }
    guard object.first(.layout) != nil else { return .other }
    do throws(HDF5Failure) { return .dataset(try HDF5Dataset(object, input, heap)) } catch .unsupported(let reason) {
      return .refused(reason)
    }
  }

  /// A soft link to a dataset is another name of it; one that leads to another soft link, or nowhere, is refused.
  private mutating func resolveSoftLinks() {
    var resolved: [String: HDF5Dataset] = [:]
    for (path, group, target) in softLinks {
      let start = target.hasPrefix("/") || group.isEmpty ? target : group + "/" + target
      let whole = start.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
      if let dataset = datasets[whole] {
        resolved[path] = dataset
      } else {
        let target = JSON.string(String(target.prefix(160))).serialized()
        refusals[path] = "a soft link to \(target), which is no dataset of the file"
      }
    }
    datasets.merge(resolved) { first, _ in first }
  }

  /// No two datasets share a byte.
  private func checkPlaces() throws(HDF5Failure) {
    let places = objects.values.compactMap { found in
      if case .dataset(let dataset) = found, case .contiguous(let range) = dataset.place, !range.isEmpty {
        range
      } else {
        nil
      }
    }.sorted { $0.lowerBound < $1.lowerBound }
    for (first, second) in zip(places, places.dropFirst()) where second.lowerBound < first.upperBound {
      throw .damaged("two datasets share the bytes from \(second.lowerBound) on")
    }
  }
}

extension HDF5Object {
  fileprivate var isGroup: Bool { messages.contains { [.symbolTable, .linkInfo, .link].contains($0.kind) } }
}
