import CKernels

/// The processors of this machine.
public enum Processors {
  /// How many threads are worth computing with: the cores this process may run on (hardware threads of one core count
  /// once, they share its arithmetic units), and no more than the quota of its control group.
  public static let available = Int(ck_processor_count())
}
