// The CUDA kernels of this package on the processor: the table that libinheritune_cuda.so exports, over an emulation of
// CUDA. For tests. Which machine is emulated, and what is broken about it, is chosen for one thread, for the time of
// one call.
#ifndef CUDA_EMULATION_H
#define CUDA_EMULATION_H

#include "../../CCUDA/include/inheritune_cuda.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What `inheritune_cuda_table` is where this is a library of its own. NULL for another major version.
const ic_table *ic_emulated_table(uint32_t major);

typedef struct {
  int32_t devices;
  // Compute capability 9.0 is 90. Decides how much shared memory a block may have.
  int32_t capability;
  // The newest CUDA that the driver runs, 13000 for 13.0; 0: there is no driver.
  int32_t driver_version;
  // Bytes of device memory.
  uint64_t memory;
  // Streams run nothing before something waits for them, so that host code that forgets to wait is caught.
  bool lazy_streams;
  // Kernels whose names contain this fail when they run; NULL: none.
  const char *failing_kernel;
} cuda_emulation;

// One device of capability 9.0 with 1 TiB, streams that run at once, nothing broken.
cuda_emulation cuda_emulation_default(void);

// Calls `body` with that machine in place, for this thread.
void cuda_emulate(const cuda_emulation *machine, void (*body)(void *), void *argument);

#ifdef __cplusplus
}
#endif
#endif
