// Kernels of the CPU device. float32 (stored weights may be narrower), row major, strides in elements; shapes and
// overlaps are the caller's promise.
#pragma once

#include "adamw.h"
#include "attention.h"
#include "embedding.h"
#include "gemm.h"
#include "head_norm.h"
#include "loss.h"
#include "memory.h"
#include "narrow.h"
#include "norm.h"
#include "parallel.h"
#include "pointwise.h"
#include "processors.h"
#include "rope.h"
