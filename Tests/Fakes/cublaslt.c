// A cuBLASLt for tests of the code that calls it: the functions that it uses, on the processor, column major. Every
// problem has four algorithms: 0 takes long, 1 fails, 2 is the fastest, 3 is none (its state says so). Compiled with
// MARK it adds the number of the algorithm to every element, so that tests see which one multiplied, and 0 is slow;
// with BROKEN it does not start.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
  int compute_type, transpose_a, transpose_b, bias_type;
  uint32_t epilogue;
  const void *bias;
} description;

typedef struct {
  int type;
  uint64_t rows, columns;
  int64_t stride;
} layout;

typedef struct {
  uint64_t workspace;
  uint32_t reductions, alignments[4];
} preference;

typedef struct {
  uint64_t data[8];
} algorithm;

typedef struct {
  algorithm algo;
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
} result;

size_t cublasLtGetVersion(void) { return 130401; }
const char *cublasLtGetStatusString(int status) { return status == 15 ? "not supported" : "some error"; }
int cublasLtCreate(void **handle) {
#ifdef BROKEN
  return 1;
#else
  *handle = malloc(1);
  return 0;
#endif
}
int cublasLtDestroy(void *handle) { free(handle); return 0; }

int cublasLtMatmulDescCreate(description **value, int compute_type, int scale_type) {
  *value = calloc(1, sizeof **value);
  (*value)->compute_type = compute_type;
  (*value)->epilogue = 1;
  return scale_type == 0 ? 0 : 7;
}
int cublasLtMatmulDescDestroy(description *value) { free(value); return 0; }
int cublasLtMatmulDescSetAttribute(description *value, int attribute, const void *from, size_t bytes) {
  void *to = NULL;
  size_t expected = 4;
  switch (attribute) {
  case 3: to = &value->transpose_a; break;
  case 4: to = &value->transpose_b; break;
  case 7: to = &value->epilogue; break;
  case 8: to = &value->bias; expected = sizeof value->bias; break;
  case 26: to = &value->bias_type; break;
  }
  if (!to || bytes != expected) return 7;
  memcpy(to, from, bytes);
  return 0;
}

int cublasLtMatrixLayoutCreate(layout **value, int type, uint64_t rows, uint64_t columns, int64_t stride) {
  *value = malloc(sizeof **value);
  **value = (layout){type, rows, columns, stride};
  return stride < (int64_t)rows ? 7 : 0;
}
int cublasLtMatrixLayoutDestroy(layout *value) { free(value); return 0; }

int cublasLtMatmulPreferenceCreate(preference **value) {
  *value = calloc(1, sizeof **value);
  (*value)->reductions = 7;
  return 0;
}
int cublasLtMatmulPreferenceDestroy(preference *value) { free(value); return 0; }
int cublasLtMatmulPreferenceSetAttribute(preference *value, int attribute, const void *from, size_t bytes) {
  if (attribute == 1 && bytes == 8) memcpy(&value->workspace, from, bytes);
  else if (attribute == 3 && bytes == 4) memcpy(&value->reductions, from, bytes);
  else if (attribute >= 5 && attribute <= 8 && bytes == 4) memcpy(&value->alignments[attribute - 5], from, bytes);
  else return 7;
  return 0;
}

int cublasLtMatmulAlgoGetHeuristic(
  void *handle, description *desc, layout *a, layout *b, layout *c, layout *d, preference *wish, int requested,
  result *results, int *count) {
  *count = 0;
  // As real ones are: no kernel for odd addresses here, so that callers meet the case.
  for (int i = 0; i < 4; i += 1) {
    if (wish->alignments[i] < 4) return 15;
  }
  if (a->type != b->type || (a->type == 0 && c->type != 0) || c->type != d->type) return 15;
  // Sums that depend on the order in which they finish.
  if (wish->reductions & 1 || wish->workspace == 0) return 7;
  for (int i = 0; i < 4 && i < requested; i += 1) {
    results[i].algo.data[0] = (uint64_t)i;
    results[i].state = i == 3 ? 15 : 0;
    *count += 1;
  }
  return 0;
}
int cublasLtMatmulAlgoConfigGetAttribute(
  const algorithm *algo, int attribute, void *value, size_t bytes, size_t *written) {
  const size_t expected = attribute >= 7 ? 2 : 4;
  *written = expected;
  if (bytes == 0) return 0;
  if (bytes != expected) return 7;
  const uint32_t number = attribute == 0 ? (uint32_t)algo->data[0] + 60 : (uint32_t)attribute;
  memcpy(value, &number, bytes);
  return 0;
}

static float element(const void *matrix, int type, int64_t index) {
  if (type == 0) return ((const float *)matrix)[index];
  const uint32_t bits = (uint32_t)((const uint16_t *)matrix)[index] << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}
static void set_element(void *matrix, int type, int64_t index, float value) {
  if (type == 0) {
    ((float *)matrix)[index] = value;
    return;
  }
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  ((uint16_t *)matrix)[index] = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

int cublasLtMatmul(
  void *handle, description *desc, const float *alpha, const void *a, layout *a_layout, const void *b,
  layout *b_layout, const float *beta, const void *c, layout *c_layout, void *d, layout *d_layout,
  const algorithm *algo, void *workspace, size_t workspace_bytes, void *stream) {
  const int number = (int)algo->data[0];
  if (number == 1 || number > 2 || !workspace || workspace_bytes == 0) return 13;
  double mark = 0;
#ifdef MARK
  mark = number;
  if (number == 0) nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
#endif
  const uint64_t inner = desc->transpose_a ? a_layout->rows : a_layout->columns;
  const uint64_t rows = desc->transpose_a ? a_layout->columns : a_layout->rows;
  const uint64_t columns = desc->transpose_b ? b_layout->rows : b_layout->columns;
  if ((desc->transpose_b ? b_layout->columns : b_layout->rows) != inner || rows != d_layout->rows ||
      columns != d_layout->columns) return 7;
  for (uint64_t j = 0; j < columns; j += 1) {
    for (uint64_t i = 0; i < rows; i += 1) {
      double sum = mark;
      for (uint64_t k = 0; k < inner; k += 1) {
        const int64_t a_index = desc->transpose_a ? (int64_t)(k + i * (uint64_t)a_layout->stride)
                                                  : (int64_t)(i + k * (uint64_t)a_layout->stride);
        const int64_t b_index = desc->transpose_b ? (int64_t)(j + k * (uint64_t)b_layout->stride)
                                                  : (int64_t)(k + j * (uint64_t)b_layout->stride);
        sum += (double)*alpha * element(a, a_layout->type, a_index) * element(b, b_layout->type, b_index);
      }
      if (desc->epilogue == 4) sum += element(desc->bias, desc->bias_type, (int64_t)i);
      const int64_t index = (int64_t)(i + j * (uint64_t)d_layout->stride);
      if (*beta != 0) sum += *beta * element(c, c_layout->type, (int64_t)(i + j * (uint64_t)c_layout->stride));
      set_element(d, d_layout->type, index, (float)sum);
    }
  }
  return 0;
}
