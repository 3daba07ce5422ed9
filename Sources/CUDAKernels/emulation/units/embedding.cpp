#include "../../embedding.cu"
