#include "cblas.h"
#include "gemm_library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// mkl_service.h, as far as it is needed here.
typedef struct {
  int major, minor, update;
  char *status, *build, *processor, *platform;
} mkl_version_t;
enum { threading_sequential = 1, interface_lp64 = 0 };

static ck_cblas_sgemm cblas_sgemm;

static void multiply(
  bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
  int64_t ldb, bool add, float *c, int64_t ldc, void *scratch) {
  (void)scratch;
  ck_multiply_by_cblas(cblas_sgemm, transpose_a, transpose_b, m, n, k, a, lda, b, ldb, add, c, ldc);
}

// libmkl_rt loads the others on its first call, and ends the process where it does not find them. The first of those
// beside it that is missing, or NULL.
static const char *missing_part(const char *path) {
  static const char *const parts[] = {"libmkl_intel_lp64", "libmkl_sequential", "libmkl_core", "libmkl_def", NULL};
  const char *const end = strrchr(path, '/');
  const int directory = end ? (int)(end - path) + 1 : 0;
  for (const char *const *part = parts; *part; part++) {
    char file[4096];
    snprintf(file, sizeof file, "%.*s%s%s", directory, path, *part, path + directory + strlen("libmkl_rt"));
    if (access(file, R_OK) != 0) return *part;
  }
  return NULL;
}

static const char *adopt(void *handle, ck_library *found) {
  cblas_sgemm = dlsym(handle, "cblas_sgemm");
  int (*const set_threading)(int) = dlsym(handle, "MKL_Set_Threading_Layer");
  int (*const set_interface)(int) = dlsym(handle, "MKL_Set_Interface_Layer");
  void (*const version)(mkl_version_t *) = dlsym(handle, "MKL_Get_Version");
  if (!cblas_sgemm || !set_threading || !set_interface || !version) {
    return ck_text("%s lacks cblas_sgemm or the MKL_… functions", found->path);
  }
  const char *const missing = missing_part(found->path);
  if (missing) return ck_text("%s is there, but %s, which it needs, is not beside it", found->path, missing);
  // Without threads, and on operands that begin on multiples of 64 bytes, sums are the same in every run.
  if (set_threading(threading_sequential) != threading_sequential || set_interface(interface_lp64) != interface_lp64) {
    return ck_text("%s is in use with other threads or integers", found->path);
  }
  mkl_version_t is = {0};
  version(&is);
  found->version = ck_text("MKL %d.%d.%d", is.major, is.minor, is.update);
  found->core = ck_text("%s", is.processor ? is.processor : "");
  return NULL;
}

static const char *const files[] = {"libmkl_rt.so.3", "libmkl_rt.so.2", "libmkl_rt.so.1", "libmkl_rt.so", NULL};

const ck_library_source ck_mkl_source = {.files = files, .adopt = adopt, .kernel = multiply};
