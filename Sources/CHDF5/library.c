#define _GNU_SOURCE
#include "library.h"
#include "chdf5.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>

hdf5_table hdf5;

static chdf5_library found;
static char path[1024], reason[1024];

// Takes the library if it has all that is needed: 1.10 or newer, whose identifiers have 64 bits.
static bool adopt(void *library, const char *name) {
  const char *missing = NULL;
#define FIND_FUNCTION(result, name, parameters) \
  if (!(*(void **)&hdf5.name = dlsym(library, #name))) missing = #name;
  HDF5_FUNCTIONS(FIND_FUNCTION)
#define FIND_NEWER_FUNCTION(result, name, parameters) *(void **)&hdf5.name = dlsym(library, #name);
  HDF5_NEWER_FUNCTIONS(FIND_NEWER_FUNCTION)
  if (missing) {
    snprintf(reason, sizeof reason, "%s lacks %s", name, missing);
    return false;
  }
  unsigned *version = found.version;
  if (hdf5.H5open() < 0 || hdf5.H5get_libversion(&version[0], &version[1], &version[2]) < 0) {
    snprintf(reason, sizeof reason, "%s does not start", name);
    return false;
  }
  if (version[0] < 1 || (version[0] == 1 && version[1] < 10)) {
    snprintf(reason, sizeof reason, "%s is HDF5 %u.%u, expected 1.10 or newer", name, version[0], version[1]);
    return false;
  }
#define FIND_VARIABLE(name) \
  { \
    const hid_t *variable = dlsym(library, #name); \
    if (variable) hdf5.name = *variable; \
    else missing = #name; \
  }
  HDF5_VARIABLES(FIND_VARIABLE)
  if (missing) {
    snprintf(reason, sizeof reason, "%s lacks %s", name, missing);
    return false;
  }
  return true;
}

static void load(void) {
  // Debian's builds without MPI, then anybody's: 1.10, 1.12, 1.14, 2.0, and what a -dev package or a user has brought.
  static const char *const names[] = {
    "libhdf5_serial.so.103", "libhdf5_serial.so.310", "libhdf5.so.103", "libhdf5.so.200", "libhdf5.so.310",
    "libhdf5.so.320", "libhdf5_serial.so", "libhdf5.so",
  };
  for (size_t i = 0; i < sizeof names / sizeof *names && !found.available; i++) {
    void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      if (i == 0) snprintf(reason, sizeof reason, "%s", dlerror());
      continue;
    }
    // One that was tried and is no use stays loaded: it may have begun to run.
    found.available = adopt(library, names[i]);
    struct link_map *map = NULL;
    const bool known = dlinfo(library, RTLD_DI_LINKMAP, &map) == 0 && map->l_name[0];
    snprintf(path, sizeof path, "%s", known ? map->l_name : names[i]);
  }
  if (found.available) {
    found.path = path;
  } else {
    found.reason = reason;
  }
}

const chdf5_library *chdf5_load(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  return &found;
}
