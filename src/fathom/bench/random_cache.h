// A sequence's cache as it is after any number of positions, of random entries that no model has computed: to measure
// at a depth without reading up to it.
#pragma once

#include <cstdint>
#include <vector>

#include "fathom/model/cache_layout.h"
#include "fathom/model/sequence_cache.h"
#include "fathom/ops/backend.h"
#include "fathom/spec/model_config.h"

namespace fathom::bench {

class RandomCache {
 public:
  RandomCache(const ModelConfig& config, const CacheLayout& layout, Backend& backend, std::uint64_t seed);

  // Every entry, index key, window row and tail row of the trunk, valid codes of unit size; `sequence` tells caches
  // apart. The cache is `tokens` long afterwards.
  void fill(SequenceCache& cache, std::int64_t tokens, std::int64_t sequence) const;
  // Back to what fill() made, after any steps from there on, which leave the older entries alone.
  void rewind(SequenceCache& cache, std::int64_t tokens, std::int64_t sequence) const;

 private:
  const CacheLayout& layout_;
  Backend& backend_;
  std::int64_t layers_;
  std::uint64_t seed_;
  std::vector<std::byte> entries_;     // encoded rows to draw from
  std::vector<std::byte> index_keys_;  // the same
  std::vector<std::byte> floats_;      // of the compressors' tails
};

}  // namespace fathom::bench
