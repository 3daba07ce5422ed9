#include "../../attention_backward.cu"
