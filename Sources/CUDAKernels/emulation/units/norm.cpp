#include "../../norm.cu"
