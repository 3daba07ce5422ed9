// The processors that this process may use.
#pragma once

/// Cores in the affinity mask of the process, hardware threads of one core counted once, bounded by the CPU quota of
/// its control group; at least 1.
int ck_processor_count(void);
