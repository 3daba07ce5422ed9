// Finds and opens NVIDIA's libraries (cuBLASLt, cuDNN, NCCL), which are not linked: the program runs without them, and
// with whichever version is there. In plain C, without CUDA, so that Swift tests its words.
#ifndef INHERITUNE_LIBRARIES_H
#define INHERITUNE_LIBRARIES_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  void *handle;       // for dlsym; NULL: not found
  char path[1024];    // the file that was opened
  char version[32];   // "13.4.1"
  char reason[2048];  // why there is none that can be used, for people
} ic_library;

// Opens the first of `sonames` (ended by NULL, the preferred one first) that can be opened, looking in
//   1. `folders`, separated by ':', or NULL;
//   2. the system's library folders, then those of CUDA toolkits;
//   3. site-packages/nvidia/*/lib of the Python environments that are active or usual.
// `advice` ends the words of a failure. A library stays open to the end of the process.
void ic_open_library(ic_library *library, const char *const *sonames, const char *folders, const char *advice);

// A function of a library and the pointer that receives its address.
typedef struct {
  const char *name;
  void *function;
} ic_symbol;

// Looks all of them up; 0, and words in `reason`, when one is missing.
int ic_resolve(ic_library *library, const ic_symbol *symbols, size_t count);

// `version`: 130401 is 13.4.1, as cuBLASLt and cuDNN 9 count.
void ic_set_version(ic_library *library, size_t version);

#ifdef __cplusplus
}
#endif
#endif
