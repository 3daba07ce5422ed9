#define _GNU_SOURCE
#include "gemm.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// cblas.h, as far as it is needed here: the header belongs to a -dev package that users do not have.
enum { row_major = 101, no_transpose = 111, transpose = 112 };
typedef void (*cblas_sgemm_function)(
  int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
  const float *b, int ldb, float beta, float *c, int ldc);

static cblas_sgemm_function cblas_sgemm;
static char path[1024], reason[1024];

static void openblas_kernel(
  bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
  int64_t ldb, bool add, float *c, int64_t ldc, void *scratch) {
  (void)scratch;
  cblas_sgemm(
    row_major, transpose_a ? transpose : no_transpose, transpose_b ? transpose : no_transpose, (int)m, (int)n, (int)k,
    1, a, (int)lda, b, (int)ldb, add ? 1 : 0, c, (int)ldc);
}

static const ck_gemm gemm = {.name = "OpenBLAS", .kernel = openblas_kernel};
static ck_openblas found = {.gemm = &gemm};

// Takes the library if it can be used as we mean to: concurrent calls of one thread each, 32-bit sizes.
static bool adopt(void *library, const char *name) {
  cblas_sgemm = (cblas_sgemm_function)dlsym(library, "cblas_sgemm");
  char *(*config)(void) = (char *(*)(void))dlsym(library, "openblas_get_config");
  char *(*core)(void) = (char *(*)(void))dlsym(library, "openblas_get_corename");
  int (*parallel)(void) = (int (*)(void))dlsym(library, "openblas_get_parallel");
  void (*set_threads)(int) = (void (*)(int))dlsym(library, "openblas_set_num_threads");
  if (!cblas_sgemm || !config || !parallel || !set_threads) {
    snprintf(reason, sizeof reason, "%s lacks cblas_sgemm or the openblas_… functions", name);
    return false;
  }
  const char *version = config();
  if (strstr(version, "USE64BITINT")) {
    snprintf(reason, sizeof reason, "%s is built with 64-bit integers (%s)", name, version);
    return false;
  }
  // A build without threads has no locks either, unless asked for (which it says from 0.3.28 on).
  if (parallel() == 0 && !strstr(version, "USE_LOCKING")) {
    snprintf(
      reason, sizeof reason, "%s is a serial build that threads cannot share (%s); install libopenblas0-pthread", name,
      version);
    return false;
  }
  set_threads(1);
  found.version = version;
  found.core = core ? core() : NULL;
  return true;
}

static void load(void) {
  static const char *const names[] = {"libopenblas.so.0", "libopenblasp.so.0", "libopenblas.so"};
  // The library starts its threads while it is being loaded, and they spin. It reads this variable to know how many.
  static const char *const variable = "OPENBLAS_NUM_THREADS";
  const char *value = getenv(variable);
  char *saved = value ? strdup(value) : NULL;
  setenv(variable, "1", 1);
  for (size_t i = 0; i < sizeof names / sizeof *names && !found.available; i++) {
    void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      if (i == 0) snprintf(reason, sizeof reason, "%s", dlerror());
      continue;
    }
    found.available = adopt(library, names[i]);
    if (!found.available) {
      dlclose(library);
      continue;
    }
    struct link_map *map = NULL;
    const bool known = dlinfo(library, RTLD_DI_LINKMAP, &map) == 0 && map->l_name[0];
    snprintf(path, sizeof path, "%s", known ? map->l_name : names[i]);
  }
  if (saved) setenv(variable, saved, 1);
  else unsetenv(variable);
  free(saved);
  if (found.available) {
    found.path = path;
  } else {
    found.reason = reason;
  }
}

const ck_openblas *ck_openblas_load(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  return &found;
}
