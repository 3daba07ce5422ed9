#include "../../graphs.cu"
