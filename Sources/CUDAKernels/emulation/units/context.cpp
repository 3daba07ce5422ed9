#include "../../context.cu"
