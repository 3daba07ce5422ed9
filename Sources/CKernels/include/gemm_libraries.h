// Libraries that multiply matrices, where they are installed. Nothing links to them: they are looked for when the
// program runs, and loaded when one is asked for, because loading takes time and memory.
#pragma once

#include "gemm.h"
#include <stddef.h>

#pragma clang assume_nonnull begin

typedef enum { ck_openblas, ck_onednn, ck_mkl } ck_library_name;

/// What was found of a library on this machine. Strings live as long as the process.
typedef struct {
  const char *_Nullable path;     // file that was loaded
  const char *_Nullable version;  // the library's own words
  const char *_Nullable core;     // the processor that its kernels were chosen for, where it says so
  const char *_Nullable reason;   // why it cannot be used; NULL: it can
  ck_gemm_kernel kernel;          // not to be called where it cannot be used
} ck_library;

/// Loads the library on the first call, and sees to it that each of its products runs on the calling thread: threads of
/// its own would spin beside ours. Products of several threads at once are safe, and equal to the bit to those of one.
/// The environment is afterwards what it was; no other thread may read it meanwhile.
const ck_library *ck_library_load(ck_library_name name);

/// Describes in one line, without loading it, a file that the loader may take: its path, its size in bytes and when it
/// was last changed. False, and an empty line, where the library is not installed.
bool ck_library_find(ck_library_name name, char *line, size_t size);

#pragma clang assume_nonnull end
