#define _GNU_SOURCE
#include "gemm_library.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { library_count = 3, path_size = 1024 };

static const ck_library_source *source(ck_library_name name) {
  switch (name) {
    case ck_openblas: return &ck_openblas_source;
    case ck_onednn: return &ck_onednn_source;
    case ck_mkl: return &ck_mkl_source;
  }
  __builtin_unreachable();
}

const char *ck_text(const char *format, ...) {
  char *text = NULL;
  va_list arguments;
  va_start(arguments, format);
  const int length = vasprintf(&text, format, arguments);
  va_end(arguments);
  return length < 0 ? "no memory" : text;
}

// MARK: Loading

static void *open_library(const ck_library_source *from, const char *file) {
  const char *value = from->variable ? getenv(from->variable) : NULL;
  char *saved = value ? strdup(value) : NULL;
  if (from->variable) setenv(from->variable, "1", 1);
  void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (saved) setenv(from->variable, saved, 1);
  else if (from->variable) unsetenv(from->variable);
  free(saved);
  return handle;
}

// The first of the library's names that can be loaded and used. Where there is none, the reason is that of the first
// that was there, or else why the best name could not be opened.
static void load(const ck_library_source *from, ck_library *found) {
  bool was_opened = false;
  for (const char *const *file = from->files; *file; file++) {
    void *handle = open_library(from, *file);
    if (!handle) {
      const char *error = dlerror();
      if (!found->reason) found->reason = ck_text("%s", error ? error : *file);
      continue;
    }
    struct link_map *map = NULL;
    const bool known = dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map->l_name[0];
    found->path = ck_text("%s", known ? map->l_name : *file);
    const char *reason = from->adopt(handle, found);
    if (!reason) {
      found->reason = NULL;
      return;
    }
    if (!was_opened) found->reason = reason;
    was_opened = true;
    found->path = NULL;
    dlclose(handle);
  }
}

const ck_library *ck_library_load(ck_library_name name) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static ck_library libraries[library_count];
  ck_library *const found = &libraries[name];
  pthread_mutex_lock(&lock);
  if (!found->kernel) {
    const ck_library_source *const from = source(name);
    load(from, found);
    found->kernel = from->kernel;
  }
  pthread_mutex_unlock(&lock);
  return found;
}

// MARK: Looking without loading

static bool describe(const char *path, char *line, size_t size) {
  struct stat status;
  if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  snprintf(
    line, size, "%s %lld bytes %lld.%09ld", path, (long long)status.st_size, (long long)status.st_mtim.tv_sec,
    status.st_mtim.tv_nsec);
  return true;
}

// In the directories of a list that is separated by colons (or semicolons, as the loader has it).
static bool find_in_directories(const char *list, const char *file, char *line, size_t size) {
  for (const char *directory = list; *directory;) {
    const size_t length = strcspn(directory, ":;");
    char path[path_size];
    if (length == 0) snprintf(path, sizeof path, "./%s", file);
    else snprintf(path, sizeof path, "%.*s/%s", (int)(length < path_size ? length : 0), directory, file);
    if (describe(path, line, size)) return true;
    directory += length + (directory[length] != 0);
  }
  return false;
}

// The loader's list of libraries: whatever else is in it, paths stand there as strings that end in a zero.
static bool find_in_cache(const char *cache, size_t length, const char *file, char *line, size_t size) {
  const size_t name = strlen(file) + 1;  // with its zero
  for (const char *at = cache; length >= name; at++) {
    at = memmem(at, (size_t)(cache + length - at), file, name);
    if (!at) return false;
    const char *start = at;
    while (start > cache && start[-1]) start--;
    if (*start == '/' && at[-1] == '/' && describe(start, line, size)) return true;
  }
  return false;
}

// The whole file and a zero behind it, or NULL.
static char *read_whole(const char *path, size_t *length) {
  enum { most = 64 << 20 };
  FILE *stream = fopen(path, "rb");
  struct stat status;
  char *bytes = NULL;
  if (stream && fstat(fileno(stream), &status) == 0 && S_ISREG(status.st_mode) && status.st_size < most) {
    bytes = malloc((size_t)status.st_size + 1);
    *length = bytes ? fread(bytes, 1, (size_t)status.st_size, stream) : 0;
    if (bytes) bytes[*length] = 0;
  }
  if (stream) fclose(stream);
  return bytes;
}

bool ck_library_find(ck_library_name name, char *line, size_t size) {
  const char *const given = getenv("LD_LIBRARY_PATH");
  size_t length = 0;
  char *const cache = read_whole("/etc/ld.so.cache", &length);
  bool found = false;
  for (const char *const *file = source(name)->files; *file && !found; file++) {
    found = (given && find_in_directories(given, *file, line, size)) ||
      (cache && find_in_cache(cache, length, *file, line, size)) ||
      find_in_directories("/lib64:/usr/lib64:/lib:/usr/lib", *file, line, size);
  }
  free(cache);
  if (!found && size > 0) *line = 0;
  return found;
}
