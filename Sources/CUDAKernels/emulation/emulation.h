// CUDA on the processor: enough of its language, its device functions and its runtime API to compile and run the
// kernels of this folder, and the host code around them, as ordinary C++ with no GPU.
//
// What makes it a test and not just a port: each CUDA thread is a fiber, so that barriers and shuffles are real ones;
// threads that diverge, wait for each other in vain or write outside their memory make the launch fail with words;
// memory that nobody has written is full of NaNs; and the limits of real devices hold.
#pragma once

#include "intrinsics.h"
#include "runtime.h"
#include "threads.h"
#include "types.h"
