// How many bytes a sequence's cache takes, by the released entry formats.
// Source: the cache kernels' layout: an entry holds the nope part in FP8, the rope part in BF16 and one E8M0 scale per
// 64 nope values, padded to 8 bytes (584 of head_dim 512); an indexer key is FP4 with one E8M0 per 32 (68 of 128).
#pragma once

#include <cstdint>

#include "fathom/spec/model_config.h"

namespace fathom {

std::int64_t kv_entry_bytes(const ModelConfig& config);
std::int64_t index_key_bytes(const ModelConfig& config);

// Compressed entries and indexer keys of all trunk layers, per token of context; a fraction, since HCA keeps one entry
// per 128 tokens.
double kv_bytes_per_token(const ModelConfig& config);

// The sliding windows of all trunk layers, whatever the context.
std::int64_t window_bytes(const ModelConfig& config);

// Everything a sequence of `tokens` keeps: windows, compressed entries and indexer keys of all trunk layers.
std::int64_t kv_bytes(const ModelConfig& config, std::int64_t tokens);

}  // namespace fathom
