#include "../../memory.cu"
