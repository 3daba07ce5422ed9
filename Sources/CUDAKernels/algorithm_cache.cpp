#include "algorithm_cache.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

namespace {

const char first_line[] = "inheritune matrix products 1\n";
// Far above what a model needs; a file beyond them is not ours.
const size_t largest_file = 4 << 20, most_choices = 20000;

}  // namespace

ic_algorithm_cache::ic_algorithm_cache(const char *path, const std::string &machine)
    : path(path ? path : ""), machine(machine) {
  read();
}

const std::string *ic_algorithm_cache::find(const std::string &problem) const {
  auto found = choices.find({machine, problem});
  return found == choices.end() ? nullptr : &found->second;
}

void ic_algorithm_cache::store(const std::string &problem, const std::string &choice) {
  choices[{machine, problem}] = choice;
  if (path.empty()) return;
  // What another process, on another GPU of this machine say, has written meanwhile.
  read();
  write();
}

void ic_algorithm_cache::read() {
  FILE *file = path.empty() ? nullptr : fopen(path.c_str(), "rb");
  if (!file) return;
  std::string text(largest_file + 1, 0);
  text.resize(fread(&text[0], 1, text.size(), file));
  fclose(file);
  size_t header = sizeof first_line - 1;
  if (text.size() > largest_file || text.compare(0, header, first_line) != 0) return;

  size_t start = header;
  while (start < text.size() && choices.size() < most_choices) {
    size_t end = text.find('\n', start);
    // A last line without an end was cut off.
    if (end == std::string::npos) return;
    std::string line = text.substr(start, end - start);
    start = end + 1;
    size_t first = line.find('\t');
    size_t second = first == std::string::npos ? first : line.find('\t', first + 1);
    if (second == std::string::npos || line.find('\t', second + 1) != std::string::npos) continue;
    // `emplace` leaves what this process has chosen.
    choices.emplace(
      std::make_pair(line.substr(0, first), line.substr(first + 1, second - first - 1)), line.substr(second + 1));
  }
}

void ic_algorithm_cache::write() {
  std::string text = first_line;
  for (const auto &[key, choice] : choices) text += key.first + "\t" + key.second + "\t" + choice + "\n";
  std::string draft = path + "." + std::to_string(getpid()) + ".new";
  FILE *file = fopen(draft.c_str(), "wb");
  bool written = file && fwrite(text.data(), 1, text.size(), file) == text.size();
  if (file) written = fclose(file) == 0 && written;
  if (written && rename(draft.c_str(), path.c_str()) == 0) {
    failure.clear();
    return;
  }
  failure = path + " cannot be written: " + strerror(errno);
  unlink(draft.c_str());
}
