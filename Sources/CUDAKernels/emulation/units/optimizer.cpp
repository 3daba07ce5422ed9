#include "../../optimizer.cu"
