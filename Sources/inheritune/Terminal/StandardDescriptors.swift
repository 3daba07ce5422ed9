import Glibc

/// Standard input, output and error.
enum StandardDescriptors {
  /// Gives those that the process was started without to /dev/null. The next file to be opened would get the number
  /// instead, and what is printed would go into it.
  static func open() {
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) == -1 {
      // The lowest free number: this one.
      _ = Glibc.open("/dev/null", O_RDWR)
    }
  }

  /// As many files as the system allows: a dataset may be thousands of chunks, each of them mapped. Where it cannot be
  /// raised, the limit is named by the error that it leads to.
  static func raiseLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
