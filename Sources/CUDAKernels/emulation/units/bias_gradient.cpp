#include "../../bias_gradient.cu"
