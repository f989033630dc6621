// The safetensors files of one directory: a single one, or the shards that model.safetensors.index.json names.
// Files named goldens-*.safetensors lie beside a checkpoint and are none of it.
#pragma once

#include <filesystem>
#include <vector>

#include "fathom/checkpoint/safetensors_file.h"

namespace fathom {

inline constexpr const char* kIndexFile = "model.safetensors.index.json";
inline constexpr const char* kSingleFile = "model.safetensors";

// Opens every file. With an index, each tensor lies in the shard that the index says, none is missing and none is
// unnamed; no name is in two files. InputError otherwise, or when the directory has no checkpoint.
std::vector<SafetensorsFile> open_shards(const std::filesystem::path& directory);

}  // namespace fathom
