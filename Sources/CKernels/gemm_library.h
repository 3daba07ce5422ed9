// How a library becomes one of ours.
#pragma once

#include "gemm_libraries.h"

/// Where a library is looked for, and how it is made to multiply on the calling thread alone.
typedef struct {
  const char *const *files;  // names the loader may know it by, best first; NULL is the last
  const char *variable;      // of the environment: 1 while the library is being loaded. NULL: none
  /// Takes `handle`, which was loaded from `found->path`: fills in version and core, and returns NULL. Or says why it
  /// cannot be used.
  const char *(*adopt)(void *handle, ck_library *found);
  ck_gemm_kernel kernel;
} ck_library_source;

extern const ck_library_source ck_openblas_source, ck_onednn_source, ck_mkl_source;

/// A text that lives as long as the process.
__attribute__((format(printf, 1, 2))) const char *ck_text(const char *format, ...);
