#define _GNU_SOURCE
#include "processors.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

enum { largest = 4096 };  // processors looked at

static bool read_line(const char *path, char *line, int size) {
  FILE *file = fopen(path, "r");
  if (!file) return false;
  const bool read = fgets(line, size, file) != NULL;
  fclose(file);
  return read;
}

// Whether `cpu` is the first hardware thread of its core that the process may use. `siblings` lists those of the core,
// as "0,64" or "0-1".
static bool is_first_of_core(int cpu, const char *siblings, const cpu_set_t *allowed, size_t size) {
  while (*siblings) {
    char *end;
    const long first = strtol(siblings, &end, 10);
    if (end == siblings) break;
    long last = first;
    if (*end == '-') last = strtol(end + 1, &end, 10);
    for (long other = first; other <= last && other < cpu; other++) {
      if (other >= 0 && CPU_ISSET_S(other, size, allowed)) return false;
    }
    siblings = *end == ',' ? end + 1 : end;
    if (*siblings == '\n') break;
  }
  return true;
}

static int allowed_cores(void) {
  cpu_set_t *allowed = CPU_ALLOC(largest);
  const size_t size = CPU_ALLOC_SIZE(largest);
  int cores = 0;
  if (allowed && sched_getaffinity(0, size, allowed) == 0) {
    for (int cpu = 0; cpu < largest; cpu++) {
      if (!CPU_ISSET_S(cpu, size, allowed)) continue;
      char name[96], siblings[256];
      snprintf(name, sizeof name, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
      if (!read_line(name, siblings, sizeof siblings) || is_first_of_core(cpu, siblings, allowed, size)) cores++;
    }
  }
  CPU_FREE(allowed);
  return cores;
}

// CPUs' worth of time that the control group grants (version 2, then version 1), or 0 for no limit.
static int quota(void) {
  char line[64], period_line[64];
  double granted = 0, period = 0;
  if (read_line("/sys/fs/cgroup/cpu.max", line, sizeof line)) {
    if (sscanf(line, "%lf %lf", &granted, &period) != 2) return 0;  // "max 100000"
  } else if (
    read_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", line, sizeof line) &&
    read_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period_line, sizeof period_line)) {
    granted = atof(line);
    period = atof(period_line);
  }
  if (granted <= 0 || period <= 0) return 0;
  return granted < period ? 1 : (int)(granted / period);
}

int ck_processor_count(void) {
  int count = allowed_cores();
  const int limit = quota();
  if (limit > 0 && limit < count) count = limit;
  return count > 0 ? count : 1;
}

static char description[128];

#if defined(__x86_64__)

static void describe(void) {
  unsigned model[13] = {0}, signature = 0, unused[3];
  for (unsigned i = 0; i < 3; i++) {
    unsigned *const part = model + 4 * i;
    __get_cpuid(0x80000002 + i, &part[0], &part[1], &part[2], &part[3]);
  }
  __get_cpuid(1, &signature, &unused[0], &unused[1], &unused[2]);
  const char *const set = __builtin_cpu_supports("x86-64-v4") ? "x86-64-v4"
    : __builtin_cpu_supports("x86-64-v3") ? "x86-64-v3" : "x86-64";
  const char *name = (const char *)model;
  while (*name == ' ') name++;
  const int room = (int)(sizeof model - (size_t)(name - (const char *)model));
  snprintf(description, sizeof description, "%.*s, signature %x, %s", room, name, signature, set);
}

#else

static void describe(void) {
  char line[64];
  const bool known =
    read_line("/sys/devices/system/cpu/cpu0/regs/identification/midr_el1", line, sizeof line);
  if (known) line[strcspn(line, "\n")] = 0;
  snprintf(description, sizeof description, "processor %s", known ? line : "unknown");
}

#endif

const char *ck_processor_description(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, describe);
  return description;
}
