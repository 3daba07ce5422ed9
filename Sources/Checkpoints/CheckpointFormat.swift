/// How a checkpoint lies on the disk.
public enum CheckpointFormat: String, Sendable {
  case safetensors
  /// A zip archive with a pickle, as torch.save writes since PyTorch 1.6.
  case pyTorch = "PyTorch"
  /// Pickles and then storages, as torch.save wrote before.
  case legacyPyTorch = "PyTorch before 1.6"
  case hdf5 = "HDF5"
  case llama2C = "llama2.c"
}
