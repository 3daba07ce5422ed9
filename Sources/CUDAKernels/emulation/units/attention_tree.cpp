#include "../../attention_tree.cu"
