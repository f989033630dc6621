// For tests: directories that vanish, safetensors files made by hand (whole or broken), and an oracle to damage.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace fathom::testing {

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// A tensor that a test may bend at will.
struct LooseTensor {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::string bytes;
};
using LooseTensors = std::vector<LooseTensor>;

// The oracle's model.safetensors ("tiny-flash" or "tiny-pro").
LooseTensors oracle_tensors(std::string_view oracle);

// A safetensors file: the length of `header`, `header`, `data`; and the whole from tensors one after another.
std::string file_text(std::string_view header, std::string_view data = "");
std::string file_text(const LooseTensors& tensors);

void write_text(const std::filesystem::path& file, std::string_view text);
std::string read_text(const std::filesystem::path& file);

// A checkpoint directory: the oracle's config.json, with fields changed, and the tensors in one file.
void write_checkpoint(const std::filesystem::path& directory, std::string_view oracle, const LooseTensors& tensors);

// The tensor of that name, for changing it; the test ends when there is none.
LooseTensor& at(LooseTensors& tensors, std::string_view name);
void erase(LooseTensors& tensors, std::string_view name);

// What the InputError said; empty when nothing was thrown. Any other exception passes through.
std::string error_of(const std::function<void()>& action);

}  // namespace fathom::testing
