#include "../../head_norm.cu"
