#include "gemm_library.h"

#include <dlfcn.h>

// oneapi/dnnl/dnnl.h and dnnl_version.h, as far as they are needed here.
typedef struct {
  int major, minor, patch;
  const char *hash;
  unsigned cpu_runtime, gpu_runtime;
} dnnl_version_t;
enum { runtime_sequential = 1, runtime_openmp = 2 };

static int (*dnnl_sgemm)(
  char transpose_a, char transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda,
  const float *b, int64_t ldb, float beta, float *c, int64_t ldc);
// NULL where the library has no threads.
static void (*omp_set_num_threads)(int count);

static void multiply(
  bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
  int64_t ldb, bool add, float *c, int64_t ldc, void *scratch) {
  // OpenMP keeps the number for each thread that calls.
  static _Thread_local bool is_alone;
  if (!is_alone && omp_set_num_threads) omp_set_num_threads(1);
  is_alone = true;
  const int status = dnnl_sgemm(
    transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, 1, a, lda, b, ldb, add ? 1 : 0, c, ldc);
  // It has allocated nothing, and not begun.
  if (status != 0) {
    ck_plain_gemm()(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, add, c, ldc, scratch);
  }
}

static const char *adopt(void *handle, ck_library *found) {
  dnnl_sgemm = dlsym(handle, "dnnl_sgemm");
  const dnnl_version_t *(*const version)(void) = dlsym(handle, "dnnl_version");
  if (!dnnl_sgemm || !version) return ck_text("%s lacks dnnl_sgemm or dnnl_version", found->path);
  const dnnl_version_t *const is = version();
  if (is->major < 2) return ck_text("%s is oneDNN %d; 2 or newer is needed", found->path, is->major);
  // Looked for in the libraries that it needs too: libgomp, or libiomp5.
  omp_set_num_threads = is->cpu_runtime == runtime_openmp ? dlsym(handle, "omp_set_num_threads") : NULL;
  if (is->cpu_runtime != runtime_sequential && !omp_set_num_threads) {
    return ck_text(
      "%s (oneDNN %d.%d.%d) is not built with OpenMP or for one thread: its threads cannot be kept from spinning",
      found->path, is->major, is->minor, is->patch);
  }
  found->version = ck_text("oneDNN %d.%d.%d", is->major, is->minor, is->patch);
  return NULL;
}

static const char *const files[] = {"libdnnl.so.3", "libdnnl.so.2", "libdnnl.so", NULL};

const ck_library_source ck_onednn_source = {
  .files = files, .adopt = adopt, .kernel = multiply};
