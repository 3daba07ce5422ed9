#include "include/libraries.h"

#include <dlfcn.h>
#include <glob.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

namespace {

std::string environment(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

std::vector<std::string> split(const std::string &list) {
  std::vector<std::string> parts;
  size_t start = 0;
  while (start <= list.size()) {
    size_t end = std::min(list.find(':', start), list.size());
    if (end > start) parts.push_back(list.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

std::vector<std::string> matches(const std::string &pattern) {
  std::vector<std::string> paths;
  glob_t found;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  return paths;
}

// Where CUDA toolkits put their libraries when the system's linker was not told.
std::vector<std::string> toolkit_patterns() {
  std::vector<std::string> patterns;
  for (const char *variable : {"CUDA_HOME", "CUDA_PATH"}) {
    std::string folder = environment(variable);
    if (!folder.empty()) patterns.push_back(folder + "/lib64");
  }
  patterns.push_back("/usr/local/cuda/lib64");
  patterns.push_back("/usr/local/cuda-*/lib64");
  patterns.push_back("/opt/cuda/lib64");
  return patterns;
}

// The prefixes of Python environments: those that variables name, those whose python3 is on the PATH, the user's own.
// PyTorch brings the libraries as wheels: nvidia/cublas/lib and nvidia/cudnn/lib (CUDA 12), or nvidia/cu13/lib for all
// but cuDNN.
std::vector<std::string> python_patterns() {
  std::vector<std::string> prefixes;
  for (const char *variable : {"VIRTUAL_ENV", "CONDA_PREFIX"}) {
    std::string prefix = environment(variable);
    if (!prefix.empty()) prefixes.push_back(prefix);
  }
  for (const std::string &folder : split(environment("PATH"))) {
    size_t slash = folder.rfind('/');
    if (slash == std::string::npos || access((folder + "/python3").c_str(), X_OK) != 0) continue;
    prefixes.push_back(folder.substr(0, slash));
  }
  std::string home = environment("HOME");
  if (!home.empty()) prefixes.push_back(home + "/.local");
  prefixes.push_back("/usr/local");
  prefixes.push_back("/usr");

  std::vector<std::string> patterns;
  for (const std::string &prefix : prefixes) {
    for (const char *packages : {"/lib/python3*/site-packages", "/lib/python3*/dist-packages"}) {
      std::string pattern = prefix + packages + "/nvidia/*/lib";
      if (std::find(patterns.begin(), patterns.end(), pattern) == patterns.end()) patterns.push_back(pattern);
    }
  }
  return patterns;
}

class Search {
public:
  Search(ic_library *library, const char *const *sonames) : library(library) {
    for (; *sonames; sonames += 1) names.push_back(*sonames);
  }

  bool in_folders(const std::vector<std::string> &patterns) {
    for (const std::string &pattern : patterns) {
      for (const std::string &folder : matches(pattern)) {
        for (const std::string &name : names) {
          std::string file = folder + "/" + name;
          if (access(file.c_str(), F_OK) == 0 && opens(file)) return true;
        }
      }
    }
    return false;
  }

  bool in_system() {
    for (const std::string &name : names) {
      if (opens(name)) return true;
    }
    return false;
  }

  // What was there and could not be opened.
  std::string failures;
  std::vector<std::string> names;

private:
  bool opens(const std::string &file) {
    void *handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
      const char *error = dlerror();
      std::string words = error ? error : file + ": no reason given";
      if (words != file + ": cannot open shared object file: No such file or directory") {
        failures += (failures.empty() ? "" : "; ") + words;
      }
      return false;
    }
    library->handle = handle;
    link_map *map = nullptr;
    bool known = dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map && map->l_name && *map->l_name;
    snprintf(library->path, sizeof library->path, "%s", known ? map->l_name : file.c_str());
    return true;
  }

  ic_library *library;
};

}  // namespace

void ic_open_library(ic_library *library, const char *const *sonames, const char *folders, const char *advice) {
  *library = ic_library{};
  std::string given = folders ? folders : "";
  Search search(library, sonames);
  if (search.in_folders(split(given)) || search.in_system() || search.in_folders(toolkit_patterns()) ||
      search.in_folders(python_patterns())) {
    return;
  }
  std::string names;
  for (const std::string &name : search.names) names += (names.empty() ? "" : " or ") + name;
  std::string places = given.empty() ? "" : given + ", ";
  std::string words = search.failures.empty()
                        ? names + " was not found in " + places +
                            "the system's library folders, /usr/local/cuda, or a Python environment"
                        : names + " cannot be opened: " + search.failures;
  snprintf(library->reason, sizeof library->reason, "%s; %s", words.c_str(), advice);
}

int ic_resolve(ic_library *library, const ic_symbol *symbols, size_t count) {
  for (size_t i = 0; i < count; i += 1) {
    void *address = dlsym(library->handle, symbols[i].name);
    if (!address) {
      snprintf(
        library->reason, sizeof library->reason, "%s cannot be used: it has no function %s", library->path,
        symbols[i].name);
      return 0;
    }
    memcpy(symbols[i].function, &address, sizeof address);
  }
  return 1;
}

void ic_set_version(ic_library *library, size_t version) {
  snprintf(
    library->version, sizeof library->version, "%zu.%zu.%zu", version / 10000, version / 100 % 100, version % 100);
}
