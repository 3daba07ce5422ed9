// What the machine can do at most, measured: what the times of kernels are compared with.
#pragma once

#include "parallel.h"

/// Floating-point operations a second of all threads of the pool together, when each does nothing but multiply-adds
/// (two operations a lane) on vectors in registers, as wide as the kernels' own: the best of several rounds of some 20
/// ms.
double ck_probe_multiply_adds(ck_pool *pool);

/// Bytes read and written a second when the threads of the pool together update 256 MiB in place, several times what
/// caches hold: the best of several rounds. 0 when the memory cannot be had.
double ck_probe_memory(ck_pool *pool);
