#include "../../loss.cu"
