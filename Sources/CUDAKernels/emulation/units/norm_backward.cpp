#include "../../norm_backward.cu"
