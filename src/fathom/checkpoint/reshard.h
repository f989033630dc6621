// The same checkpoint in another number of files.
#pragma once

#include <cstdint>
#include <filesystem>

namespace fathom {

// Writes the tensors of `source`, byte for byte and in their order, to `target` in `shards` files (one has no index),
// with every file beside them that is no safetensors file: config.json, tokenizer.json. `target` must not hold a
// checkpoint yet. InputError otherwise, or when `source` is none.
void reshard_checkpoint(const std::filesystem::path& source, const std::filesystem::path& target, std::int64_t shards);

// InputError when the directory holds a config.json or a safetensors file: fathom overwrites no checkpoint.
void require_no_checkpoint(const std::filesystem::path& directory);

}  // namespace fathom
