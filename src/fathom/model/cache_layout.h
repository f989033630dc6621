// Where everything of one sequence's cache lies (report 3.5.1). Two kinds of memory:
//
//   state  one fixed slot per sequence: for every block the window ring and, where there is compression, the rings of
//          raw compressor rows (the tail that no entry covers yet)
//   page   the compressed entries and index keys of page_tokens consecutive positions, all layers together; pages hold
//          whole compression blocks, so sequences with a common prefix can share them
#pragma once

#include <cstdint>
#include <vector>

#include "fathom/ops/cache_format.h"
#include "fathom/spec/model_config.h"

namespace fathom {

// A ring of raw compressor rows: kv and gate of one position, float32.
struct CompressorTail {
  std::int64_t columns = 0;      // floats in a row of either ring
  std::int64_t kv_offset = 0;    // bytes from the state's start
  std::int64_t gate_offset = 0;  // bytes from the state's start
};

struct BlockCacheLayout {
  AttentionKind kind = AttentionKind::sliding;
  std::int64_t ratio = 0;
  std::int64_t window_offset = 0;  // bytes from the state's start: [window_rows, entry bytes]
  std::int64_t tail_rows = 0;      // capacity of the tails' rings
  CompressorTail tail;             // main compressor
  CompressorTail index_tail;       // the indexer's compressor, CSA only
  std::int64_t entries_per_page = 0;
  std::int64_t entries_offset = 0;     // bytes from a page's start
  std::int64_t index_keys_offset = 0;  // bytes from a page's start, CSA only
};

// Bytes of one sequence's cache: a state, and a page for every page_tokens positions.
struct CacheCost {
  std::int64_t state_bytes = 0;
  std::int64_t page_bytes = 0;
  std::int64_t page_tokens = 1;

  std::int64_t bytes(std::int64_t tokens) const {
    return state_bytes + (tokens + page_tokens - 1) / page_tokens * page_bytes;
  }
};

struct CacheLayout {
  EntryFormat entry;
  IndexKeyFormat index_key;
  std::int64_t window_rows = 0;  // capacity of a window ring: the window and the rows that may be rolled back
  std::int64_t page_tokens = 0;  // a multiple of every compression ratio
  std::int64_t state_bytes = 0;
  std::int64_t page_bytes = 0;
  std::vector<BlockCacheLayout> blocks;  // trunk blocks, then MTP blocks

  CacheCost cost() const { return {.state_bytes = state_bytes, .page_bytes = page_bytes, .page_tokens = page_tokens}; }
};

// `rollback_tokens`: how many of the newest positions can be taken back without recomputing older ones.
CacheLayout make_cache_layout(const ModelConfig& config, CacheStorage storage, std::int64_t rollback_tokens = 0);

}  // namespace fathom
