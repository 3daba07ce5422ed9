// SHA-256 by the processor's own instructions.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Whether this processor has them.
bool sha256_is_accelerated(void);

/// Takes `count` blocks of 64 bytes into the eight words of `state`. Only where `sha256_is_accelerated`.
void sha256_compress(uint32_t *state, const uint8_t *blocks, size_t count, const uint32_t *round_constants);
