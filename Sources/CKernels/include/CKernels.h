// Kernels of the CPU device. float32 (stored weights may be narrower), row major, strides in elements; shapes and
// overlaps are the caller's promise.
#pragma once

#include "adamw.h"
#include "adamw_bfloat16.h"
#include "attention.h"
#include "column_sums.h"
#include "embedding.h"
#include "gemm.h"
#include "gemm_libraries.h"
#include "head_norm.h"
#include "loss.h"
#include "memory.h"
#include "narrow.h"
#include "norm.h"
#include "parallel.h"
#include "pointwise.h"
#include "probes.h"
#include "processors.h"
#include "rope.h"
