#ifndef C_ALLOCATION_COUNTER_H
#define C_ALLOCATION_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

/// Counts the heap allocations of chosen threads.
///
/// Linking this target replaces malloc and its kin, and pthread_create, in the test process; they do what they did
/// before, and count when the calling thread is observed.

/// Whether allocations of the calling thread, and of threads that it (or a thread it creates) creates from now on, are
/// counted.
void allocation_counter_observe(bool is_observed);

/// Allocations of all observed threads since the process started.
int64_t allocation_counter_total(void);

#endif
