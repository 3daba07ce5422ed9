// The processors that this process may use.
#pragma once

/// Cores in the affinity mask of the process, hardware threads of one core counted once, bounded by the CPU quota of
/// its control group; at least 1.
int ck_processor_count(void);

/// Model and instruction set of the processor, one line that lives as long as the process: what speed depends on.
const char *ck_processor_description(void);
