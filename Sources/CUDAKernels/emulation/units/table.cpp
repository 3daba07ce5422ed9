#include "../../include/cuda_emulation.h"
#include "../../table.cu"

const ic_table *ic_emulated_table(uint32_t major) { return inheritune_cuda_table(major); }
