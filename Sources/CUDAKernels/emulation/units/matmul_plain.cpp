#include "../../matmul_plain.cu"
