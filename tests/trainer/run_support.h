// For tests of the trainer: folders that vanish, texts in files, and runs of the built program.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace fathom::train::testing {

class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

void write_file(const std::filesystem::path& file, std::string_view text);
std::string read_file(const std::filesystem::path& file);

// A folder with recipes/smoke.toml, its model and shards of a few rhymes; the recipe's path.
std::filesystem::path write_smoke(const std::filesystem::path& folder);

struct TrainRan {
  int exit_code = -1;  // minus the signal when one ended it
  std::string out;     // standard output and error
};

// fathom-train with these words, on one thread unless they say otherwise. With `kill_after` milliseconds it is killed
// outright then, if it still runs.
TrainRan run_train(const std::vector<std::string>& words, int kill_after = -1);

// What the InputError said; empty when nothing was thrown.
std::string input_error_of(const std::function<void()>& action);

}  // namespace fathom::train::testing
