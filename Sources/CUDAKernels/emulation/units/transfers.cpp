#include "../../transfers.cu"
