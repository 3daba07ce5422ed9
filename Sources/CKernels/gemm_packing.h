// Operands of the plain matrix product, laid out in the order in which its inner kernel reads them.
#pragma once

#include <stdint.h>

/// Packs `lines` lines of `k` elements as panels [k][group], one after the other; missing lines of the last are zero.
/// Line i is at x + i·stride, its elements next to each other.
void ck_pack_lines(float *packed, const float *x, int64_t stride, int64_t lines, int64_t k, int64_t group);

/// As ck_pack_lines, where the lines are columns: element p of line i is at x + p·stride + i.
void ck_pack_columns(float *packed, const float *x, int64_t stride, int64_t lines, int64_t k, int64_t group);
