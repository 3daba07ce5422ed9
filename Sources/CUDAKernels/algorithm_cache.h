// Remembers, across runs, which algorithm was fastest for each matrix product. Two algorithms may round differently, so
// a run that is resumed must take what it took before, however the clocks are that day.
#pragma once

#include <map>
#include <string>
#include <utility>

class ic_algorithm_cache {
public:
  // `path` NULL: remembers within this process only. `machine` names the GPU and the library: the choices of others are
  // kept in the file and not used. A file that is missing, damaged or not ours holds no choices.
  ic_algorithm_cache(const char *path, const std::string &machine);

  // NULL: none yet.
  const std::string *find(const std::string &problem) const;
  // Replaces the file. Neither text may have tabs or line ends.
  void store(const std::string &problem, const std::string &choice);

  // Why the file could not be written; empty where it could.
  std::string failure;

private:
  void read();
  void write();

  std::string path, machine;
  // machine, problem → choice
  std::map<std::pair<std::string, std::string>, std::string> choices;
};
