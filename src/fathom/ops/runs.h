// A step's tokens are a concatenation of runs; a run is a stretch of consecutive positions of one sequence. Prefill is
// a long run, decode a run of one: no operation knows a third thing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fathom/ops/cache_format.h"

namespace fathom {

// Rows kept by position: position p lies in row p % capacity.
struct Ring {
  std::byte* rows = nullptr;
  std::int64_t capacity = 0;  // rows
  std::int64_t row_bytes = 0;

  std::byte* row(std::int64_t position) const { return rows + position % capacity * row_bytes; }
};

// Rows kept for good, in pages that sequences may share: row r lies in page r / rows_per_page.
struct PagedRows {
  std::byte* const* pages = nullptr;
  std::int64_t rows_per_page = 0;
  std::int64_t offset = 0;  // bytes from the page's start to this layer's rows
  std::int64_t row_bytes = 0;

  std::byte* row(std::int64_t index) const {
    return pages[index / rows_per_page] + offset + index % rows_per_page * row_bytes;
  }
};

struct Run {
  std::int64_t first_row = 0;  // of the step's [tokens, ...] arrays
  std::int64_t tokens = 0;
  std::int64_t start = 0;  // position of its first token

  // Compressed entries that this run completes: [first_entry, first_entry + new_entries).
  std::int64_t first_entry(std::int64_t ratio) const { return start / ratio; }
  std::int64_t new_entries(std::int64_t ratio) const { return (start + tokens) / ratio - start / ratio; }
};

// Entries that the query at `position` may see. The query that completes a block sees it: j < (t + 1) / m.
constexpr std::int64_t visible_entries(std::int64_t position, std::int64_t ratio) {
  return ratio == 0 ? 0 : (position + 1) / ratio;
}

}  // namespace fathom
