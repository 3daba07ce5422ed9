#include "../../attention_cached.cu"
