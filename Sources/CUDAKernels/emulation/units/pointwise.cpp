#include "../../pointwise.cu"
