#ifndef INHERITUNE_CZSTD_SHIM_H
#define INHERITUNE_CZSTD_SHIM_H

#include <zstd.h>
#include <zstd_errors.h>

#endif
