// Memory for tensors.
#pragma once

#include <stddef.h>

/// `bytes` of zeroed memory that starts on a page, large blocks in huge pages where the system grants them. Pages are
/// taken when they are first touched. NULL when the system refuses.
void *ck_map(size_t bytes);
/// Returns what ck_map(bytes) gave.
void ck_unmap(void *address, size_t bytes);
