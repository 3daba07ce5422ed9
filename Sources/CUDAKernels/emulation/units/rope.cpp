#include "../../rope.cu"
