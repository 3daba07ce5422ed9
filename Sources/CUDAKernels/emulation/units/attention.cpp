#include "../../attention.cu"
