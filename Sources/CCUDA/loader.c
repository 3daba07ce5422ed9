#define _GNU_SOURCE  // dladdr
#include "loader.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_(value) #value
#define TEXT(value) TEXT_(value)

// The name with the major version, which is the SONAME of what is built, and the name that is built.
static const char *const names[] = {"libinheritune_cuda.so." TEXT(IC_ABI_MAJOR), "libinheritune_cuda.so"};
enum { name_count = sizeof names / sizeof names[0] };

static char loaded_path[PATH_MAX];

const char *ic_loaded_path(void) { return loaded_path; }

// The table of an opened library, if it is one of ours and fits this program.
static const ic_table *fitting_table(void *library, const char *path, char *reason, size_t capacity) {
  ic_table_function function;
  // ISO C has no conversion from an object pointer to a function pointer; POSIX does it this way.
  *(void **)&function = dlsym(library, IC_TABLE_SYMBOL);
  if (!function) {
    snprintf(
      reason, capacity, "%s is not inheritune's CUDA library: it has no symbol %s; scripts/build-cuda.sh builds one",
      path, IC_TABLE_SYMBOL);
    return NULL;
  }
  // A library of another major version may answer with nothing, or with its own table: its first fields never change.
  const ic_table *table = function(IC_ABI_MAJOR);
  if (!table) {
    snprintf(
      reason, capacity,
      "%s does not serve version %d of inheritune's CUDA interface, which this program needs; rebuild it with "
      "scripts/build-cuda.sh",
      path, IC_ABI_MAJOR);
    return NULL;
  }
  if (table->major != IC_ABI_MAJOR) {
    snprintf(
      reason, capacity,
      "%s has version %u.%u of inheritune's CUDA interface, this program needs %d.%d; rebuild it with "
      "scripts/build-cuda.sh",
      path, table->major, table->minor, IC_ABI_MAJOR, IC_ABI_MINOR);
    return NULL;
  }
  if (table->size < sizeof(ic_table)) {
    snprintf(
      reason, capacity,
      "%s is older than this program: its table has %u bytes (version %u.%u), %zu are needed (%d.%d); rebuild it with "
      "scripts/build-cuda.sh",
      path, table->size, table->major, table->minor, sizeof(ic_table), IC_ABI_MAJOR, IC_ABI_MINOR);
    return NULL;
  }
  return table;
}

// Opens the library at `path`: a file, or a bare name for the system to find. `found` tells whether there was one.
static const ic_table *open_at(const char *path, int *found, char *reason, size_t capacity) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *error = dlerror();
    // Only the words tell a missing library from one that cannot be opened, and only those of `path` itself count: a
    // library that it needs may be the one that is missing.
    char missing[PATH_MAX + 64];
    snprintf(missing, sizeof missing, "%s: cannot open shared object file: No such file or directory", path);
    *found = error && strcmp(error, missing) != 0;
    if (!*found) return NULL;
    // The words begin with the name of the file at fault, most often this one.
    size_t length = strlen(path);
    int itself = strncmp(error, path, length) == 0 && strncmp(error + length, ": ", 2) == 0;
    snprintf(reason, capacity, "%s cannot be opened: %s", path, itself ? error + length + 2 : error);
    return NULL;
  }
  *found = 1;
  // Where the system found it: dlopen does not say, an address inside it does.
  const void *symbol = dlsym(library, IC_TABLE_SYMBOL);
  Dl_info information;
  const char *file = symbol && dladdr(symbol, &information) && information.dli_fname ? information.dli_fname : path;
  const ic_table *table = fitting_table(library, file, reason, capacity);
  if (table) {
    snprintf(loaded_path, sizeof loaded_path, "%s", file);
  } else {
    dlclose(library);
  }
  return table;
}

// The library that somebody named; `who` says who did.
static const ic_table *open_named(const char *path, const char *who, char *reason, size_t capacity) {
  // Without a slash dlopen would search the system's folders, not the current one.
  char file[PATH_MAX];
  snprintf(file, sizeof file, "%s%s", strchr(path, '/') ? "" : "./", path);
  int found;
  const ic_table *table = open_at(file, &found, reason, capacity);
  if (!table && !found) {
    snprintf(
      reason, capacity, "there is no file %s (named by %s); scripts/build-cuda.sh builds %s", path, who, names[1]);
  }
  return table;
}

const ic_table *ic_load(const char *path, const char *executable_folder, char *reason, size_t capacity) {
  if (capacity > 0) reason[0] = 0;
  if (path && *path) return open_named(path, "--cuda-lib", reason, capacity);
  const char *variable = getenv("INHERITUNE_CUDA_LIB");
  if (variable && *variable) return open_named(variable, "INHERITUNE_CUDA_LIB", reason, capacity);

  int found = 0;
  for (int i = 0; executable_folder && *executable_folder && i < name_count; i += 1) {
    char file[PATH_MAX];
    snprintf(file, sizeof file, "%s/%s", executable_folder, names[i]);
    const ic_table *table = open_at(file, &found, reason, capacity);
    if (table || found) return table;
  }
  for (int i = 0; i < name_count; i += 1) {
    const ic_table *table = open_at(names[i], &found, reason, capacity);
    if (table || found) return table;
  }
  snprintf(
    reason, capacity,
    "inheritune's CUDA library was not found: %s is neither beside the program (%s) nor among the system's libraries; "
    "scripts/build-cuda.sh builds it, --cuda-lib or INHERITUNE_CUDA_LIB names it elsewhere",
    names[1], executable_folder && *executable_folder ? executable_folder : "its folder is unknown");
  return NULL;
}
