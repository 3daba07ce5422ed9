import Glibc

enum StandardOutput {
  static func flush() { fflush(nil) }
}
