// Finds and opens libinheritune_cuda.so.
#ifndef INHERITUNE_CUDA_LOADER_H
#define INHERITUNE_CUDA_LOADER_H

#include "inheritune_cuda.h"

#ifdef __cplusplus
extern "C" {
#endif

// The table of the first library found at: `path` (--cuda-lib), $INHERITUNE_CUDA_LIB, `executable_folder`, the system's
// library folders. Where one of the first two is given nothing after it is tried. Either argument may be NULL.
//
// NULL, and words for people in `reason`, when there is no library, it cannot be opened, or it does not fit this
// program. A library stays open to the end of the process.
const ic_table *ic_load(const char *path, const char *executable_folder, char *reason, size_t capacity);

// The file that the last successful `ic_load` opened; an empty string before.
const char *ic_loaded_path(void);

#ifdef __cplusplus
}
#endif
#endif
