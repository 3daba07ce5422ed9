#include "cblas.h"
#include "gemm_library.h"

#include <dlfcn.h>
#include <string.h>

// Columns that are multiplied at once. The library packs all that it is given at once, which for a vocabulary takes 31
// MiB a thread.
enum { most_columns = 4096 };
static ck_cblas_sgemm cblas_sgemm;

static void multiply(
  bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
  int64_t ldb, bool add, float *c, int64_t ldc, void *scratch) {
  (void)scratch;
  for (int64_t j = 0; j < n; j += most_columns) {
    const int64_t columns = n - j < most_columns ? n - j : most_columns;
    ck_multiply_by_cblas(
      cblas_sgemm, transpose_a, transpose_b, m, columns, k, a, lda, b + (transpose_b ? j * ldb : j), ldb, add, c + j,
      ldc);
  }
}

static const char *adopt(void *handle, ck_library *found) {
  cblas_sgemm = dlsym(handle, "cblas_sgemm");
  char *(*const config)(void) = dlsym(handle, "openblas_get_config");
  char *(*const core)(void) = dlsym(handle, "openblas_get_corename");
  int (*const parallel)(void) = dlsym(handle, "openblas_get_parallel");
  void (*const set_threads)(int) = dlsym(handle, "openblas_set_num_threads");
  if (!cblas_sgemm || !config || !parallel || !set_threads) {
    return ck_text("%s lacks cblas_sgemm or the openblas_… functions", found->path);
  }
  const char *const version = config();
  if (strstr(version, "USE64BITINT")) {
    return ck_text("%s is built with 64-bit integers (%s)", found->path, version);
  }
  // A build without threads has no locks either, unless asked for (which it says from 0.3.28 on).
  if (parallel() == 0 && !strstr(version, "USE_LOCKING")) {
    return ck_text("%s is a serial build that threads cannot share (%s)", found->path, version);
  }
  set_threads(1);
  found->version = version;
  found->core = core ? core() : NULL;
  return NULL;
}

static const char *const files[] = {"libopenblas.so.0", "libopenblasp.so.0", "libopenblas.so", NULL};

const ck_library_source ck_openblas_source = {
  .files = files,
  // The library starts its threads while it is being loaded, and they spin. It reads this to know how many.
  .variable = "OPENBLAS_NUM_THREADS",
  .adopt = adopt,
  .kernel = multiply,
};
