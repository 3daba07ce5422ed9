// A cuDNN for tests of the code that calls it: it interprets a graph of operations on the processor, one after the
// other, in double. Tensors that need not exist lie in memory of its own, by their strides; where their type is
// bfloat16 they are rounded to it. Compiled with UNSERVED it has no engine for any graph, with NONDETERMINISTIC its
// engines are of that kind.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { attributes = 24 };

typedef struct {
  int name, type;
  int64_t count;
  void *elements;
} attribute;

typedef struct descriptor {
  int type, used, is_final;
  attribute list[attributes];
  // Of a tensor, while a plan is executed.
  char *memory;
} descriptor;

static const size_t element_bytes[32] = {
  [0] = 8, [1] = 4, [2] = 1, [3] = 8, [6] = 8, [8] = 4, [11] = 4, [14] = 4, [15] = 8, [18] = 4};

size_t cudnnGetVersion(void) { return 91900; }
void cudnnGetLastErrorString(char *message, size_t capacity) { snprintf(message, capacity, "no engine\nof the fake"); }
int cudnnCreate(void **handle) { *handle = malloc(1); return 0; }
int cudnnDestroy(void *handle) { free(handle); return 0; }
int cudnnSetStream(void *handle, void *stream) { return 0; }

int cudnnBackendCreateDescriptor(int type, descriptor **value) {
  *value = calloc(1, sizeof **value);
  (*value)->type = type;
  return 0;
}
int cudnnBackendDestroyDescriptor(descriptor *value) {
  for (int i = 0; i < value->used; i += 1) free(value->list[i].elements);
  free(value);
  return 0;
}
int cudnnBackendSetAttribute(descriptor *value, int name, int type, int64_t count, const void *elements) {
  const size_t bytes = element_bytes[type] * (size_t)count;
  if (bytes == 0 || value->used == attributes || value->is_final) return 2000;
  attribute *next = &value->list[value->used++];
  *next = (attribute){name, type, count, malloc(bytes)};
  memcpy(next->elements, elements, bytes);
  return 0;
}
int cudnnBackendFinalize(descriptor *value) {
  value->is_final = 1;
  return 0;
}

static const attribute *find(const descriptor *value, int name) {
  for (int i = 0; i < value->used; i += 1) {
    if (value->list[i].name == name) return &value->list[i];
  }
  return NULL;
}
static descriptor *child(const descriptor *value, int name) {
  const attribute *found = find(value, name);
  return found ? *(descriptor **)found->elements : NULL;
}
static int number(const descriptor *value, int name) { return *(int *)find(value, name)->elements; }
static const int64_t *dimensions(const descriptor *tensor) { return find(tensor, 902)->elements; }
static const int64_t *strides(const descriptor *tensor) { return find(tensor, 903)->elements; }

// A graph's heuristic has one configuration, which is named by the graph.
int cudnnBackendGetAttribute(descriptor *value, int name, int type, int64_t wanted, int64_t *count, void *elements) {
  *count = 1;
  if (name == 202) {
#ifdef UNSERVED
    *count = 0;
#endif
    if (wanted == 0 || *count == 0) return 0;
    descriptor *graph = child(value, 201);
    return cudnnBackendSetAttribute(((descriptor **)elements)[0], 999, 15, 1, &graph);
  }
  if (name == 300) return 0;
  if (name == 1303) {
#ifdef NONDETERMINISTIC
    ((int *)elements)[0] = 4;
#else
    ((int *)elements)[0] = 0;
#endif
    return 0;
  }
  if (name != 402) return 2000;
  *(int64_t *)elements = 1000;
  return 0;
}

// MARK: Elements

static int64_t offset_of(const descriptor *tensor, const int64_t *index) {
  int64_t offset = 0;
  for (int i = 0; i < 4; i += 1) offset += index[i] * strides(tensor)[i];
  return offset;
}
// The element of `tensor` that goes with an index of `like`: the same, the only one, or the one its group shares.
static void matching(const descriptor *tensor, const int64_t *like, const int64_t *index, int64_t *result) {
  for (int i = 0; i < 4; i += 1) result[i] = index[i] * dimensions(tensor)[i] / like[i];
}
static int is_virtual(const descriptor *tensor) { return find(tensor, 907) != NULL; }

static double get(const descriptor *tensor, const int64_t *index) {
  const int64_t offset = find(tensor, 908) ? 0 : offset_of(tensor, index);
  if (is_virtual(tensor)) return ((double *)tensor->memory)[offset];
  if (number(tensor, 901) == 0) return ((float *)tensor->memory)[offset];
  const uint32_t bits = (uint32_t)((uint16_t *)tensor->memory)[offset] << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}
static void set(descriptor *tensor, const int64_t *index, double value) {
  const int64_t offset = offset_of(tensor, index);
  float narrow = (float)value;
  uint32_t bits;
  memcpy(&bits, &narrow, sizeof bits);
  bits = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  if (is_virtual(tensor)) {
    if (number(tensor, 901) == 9) {
      bits <<= 16;
      memcpy(&narrow, &bits, sizeof narrow);
      value = narrow;
    }
    ((double *)tensor->memory)[offset] = value;
  } else if (number(tensor, 901) == 0) {
    ((float *)tensor->memory)[offset] = narrow;
  } else {
    ((uint16_t *)tensor->memory)[offset] = (uint16_t)bits;
  }
}

#define EACH(index, shape)                                           \
  for (int64_t index[4] = {0}; index[0] < (shape)[0]; index[0] += 1) \
    for (index[1] = 0; index[1] < (shape)[1]; index[1] += 1)         \
      for (index[2] = 0; index[2] < (shape)[2]; index[2] += 1)       \
        for (index[3] = 0; index[3] < (shape)[3]; index[3] += 1)

// MARK: Operations

static int pointwise(descriptor *operation) {
  descriptor *x = child(operation, 751), *b = child(operation, 752), *y = child(operation, 753);
  descriptor *select = child(operation, 758), *description = child(operation, 750);
  const int mode = number(description, 0);
  EACH(index, dimensions(y)) {
    int64_t other[4];
    matching(x, dimensions(y), index, other);
    const double left = mode == 501 ? 0 : get(x, other);
    double right = 0, result;
    if (b) {
      matching(b, dimensions(y), index, other);
      right = get(b, other);
    }
    switch (mode) {
    case 0: result = left + right; break;
    case 1: result = left * right; break;
    case 6: result = left / right; break;
    case 9: result = left - right; break;
    case 13: result = exp(left); break;
    case 15: result = log(left); break;
    case 303: result = left >= right; break;
    case 501: result = (double)index[*(int64_t *)find(description, 9)->elements]; break;
    case 601: result = get(select, index) ? left : right; break;
    default: return 3000;
    }
    set(y, index, result);
  }
  return 0;
}

static int multiply(descriptor *operation) {
  descriptor *a = child(operation, 1520), *b = child(operation, 1521), *c = child(operation, 1522);
  const int64_t inner = dimensions(a)[3];
  if (dimensions(b)[2] != inner || dimensions(a)[2] != dimensions(c)[2] || dimensions(b)[3] != dimensions(c)[3]) {
    return 3000;
  }
  EACH(index, dimensions(c)) {
    double sum = 0;
    for (int64_t k = 0; k < inner; k += 1) {
      const int64_t a_head = index[1] * dimensions(a)[1] / dimensions(c)[1];
      const int64_t b_head = index[1] * dimensions(b)[1] / dimensions(c)[1];
      const int64_t a_index[4] = {index[0], a_head, index[2], k}, b_index[4] = {index[0], b_head, k, index[3]};
      sum += get(a, a_index) * get(b, b_index);
    }
    set(c, index, sum);
  }
  return 0;
}

static int reduce(descriptor *operation) {
  descriptor *x = child(operation, 1610), *y = child(operation, 1611);
  const int is_maximum = number(child(operation, 1612), 1600) == 3;
  EACH(target, dimensions(y)) {
    double result = is_maximum ? -INFINITY : 0;
    EACH(index, dimensions(x)) {
      int64_t to[4];
      matching(y, dimensions(x), index, to);
      if (memcmp(to, target, sizeof to) != 0) continue;
      const double value = get(x, index);
      result = is_maximum ? fmax(result, value) : result + value;
    }
    set(y, target, result);
  }
  return 0;
}

// The same memory, numbered otherwise.
static int reshape(descriptor *operation) {
  descriptor *x = child(operation, 2200), *y = child(operation, 2201);
  EACH(from, dimensions(x)) {
    const int64_t offset = offset_of(x, from);
    ((double *)y->memory)[offset] = get(x, from);
  }
  return 0;
}

static const int tensors_of[] = {751, 752, 753, 758, 1520, 1521, 1522, 1610, 1611, 2200, 2201};

int cudnnBackendExecute(void *handle, descriptor *plan, descriptor *pack) {
  descriptor *graph = child(child(plan, 401), 999);
  const attribute *operations = find(graph, 801), *ids = find(pack, 1000), *pointers = find(pack, 1001);
  char *workspace = *(char **)find(pack, 1003)->elements;
  // All of it is used, and nothing in it is kept.
  memset(workspace, 0xab, 1000);
  for (int64_t i = 0; i < operations->count; i += 1) {
    descriptor *operation = ((descriptor **)operations->elements)[i];
    for (size_t j = 0; j < sizeof tensors_of / sizeof tensors_of[0]; j += 1) {
      descriptor *tensor = child(operation, tensors_of[j]);
      if (!tensor) continue;
      if (is_virtual(tensor)) {
        const int64_t *shape = dimensions(tensor);
        const int64_t last[4] = {shape[0] - 1, shape[1] - 1, shape[2] - 1, shape[3] - 1};
        if (!tensor->memory) tensor->memory = malloc((size_t)(offset_of(tensor, last) + 1) * sizeof(double));
        continue;
      }
      tensor->memory = NULL;
      for (int64_t k = 0; k < ids->count; k += 1) {
        if (((int64_t *)ids->elements)[k] == *(int64_t *)find(tensor, 906)->elements) {
          tensor->memory = ((char **)pointers->elements)[k];
        }
      }
      if (!tensor->memory || (!find(tensor, 908) && (uintptr_t)tensor->memory % 16 != 0)) return 2000;
    }
  }
  int status = 0;
  for (int64_t i = 0; i < operations->count && status == 0; i += 1) {
    descriptor *operation = ((descriptor **)operations->elements)[i];
    switch (operation->type) {
    case 13: status = pointwise(operation); break;
    case 19: status = multiply(operation); break;
    case 22: status = reduce(operation); break;
    case 31: status = reshape(operation); break;
    default: status = 3000;
    }
  }
  for (int64_t i = 0; i < operations->count; i += 1) {
    for (size_t j = 0; j < sizeof tensors_of / sizeof tensors_of[0]; j += 1) {
      descriptor *tensor = child(((descriptor **)operations->elements)[i], tensors_of[j]);
      if (!tensor || !is_virtual(tensor)) continue;
      free(tensor->memory);
      tensor->memory = NULL;
    }
  }
  return status;
}
