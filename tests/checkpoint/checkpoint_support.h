// For tests: safetensors files made by hand (whole or broken), and an oracle to damage.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tests/base/file_support.h"

namespace fathom::testing {

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

// A checkpoint directory: the oracle's config.json, with fields changed, and the tensors in one file.
void write_checkpoint(const std::filesystem::path& directory, std::string_view oracle, const LooseTensors& tensors);

// The tensor of that name, for changing it; the test ends when there is none.
LooseTensor& at(LooseTensors& tensors, std::string_view name);
void erase(LooseTensors& tensors, std::string_view name);

}  // namespace fathom::testing
