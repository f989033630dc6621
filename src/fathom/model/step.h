// What one forward pass shares among its blocks: the runs, their caches, the rotary angles, the scratch memory.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fathom/model/expert_use.h"
#include "fathom/model/observer.h"
#include "fathom/model/sequence_cache.h"
#include "fathom/ops/backend.h"

namespace fathom {

struct RotaryAngles {
  View<const float, 2> cosine;  // [rows, rope_dim / 2]
  View<const float, 2> sine;    // [rows, rope_dim / 2]
};

// Angles of the entries that this step completes, at the position of each block's first token.
struct EntryAngles {
  std::int64_t ratio = 0;
  std::int64_t entries = 0;
  RotaryAngles angles;  // [entries, rope_dim / 2]
};

struct Step {
  Backend& backend;
  Arena& arena;
  std::span<const Run> runs;
  std::span<SequenceCache* const> caches;  // one per run
  std::span<const std::int32_t> ids;       // [tokens]
  RotaryAngles plain;                      // of layers without compression
  RotaryAngles compressed;                 // of layers with it
  std::vector<EntryAngles> entry_angles;   // one per ratio
  ForwardObserver* observer = nullptr;
  ExpertUse* expert_use = nullptr;  // null: nobody counts

  std::int64_t tokens() const { return std::ssize(ids); }

  const EntryAngles& entries(std::int64_t ratio) const {
    for (const EntryAngles& angles : entry_angles)
      if (angles.ratio == ratio) return angles;
    throw InternalError("[model] no angles were made for compression ratio {}", ratio);
  }

  // One place per run, asked of each run's cache.
  template <typename Place>
  std::vector<Place> places(Place (SequenceCache::*place)(std::int64_t) const, std::int64_t block) const {
    std::vector<Place> result;
    for (const SequenceCache* cache : caches) result.push_back((cache->*place)(block));
    return result;
  }
};

}  // namespace fathom
