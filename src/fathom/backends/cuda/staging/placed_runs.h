// Runs and where their rows lie, in the form that kernels read: host spans of pointers into the device's memory, laid
// flat. A few runs travel inside the kernel's arguments, many through staged memory (staged_spans.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fathom/ops/runs.h"

#ifdef __CUDACC__
#define FATHOM_ON_BOTH_SIDES __host__ __device__
#else
#define FATHOM_ON_BOTH_SIDES
#endif

namespace fathom::cuda {

struct PlacedRun {
  std::int64_t first_row = 0;  // of the step
  std::int64_t tokens = 0;
  std::int64_t start = 0;       // position of the first token
  std::int64_t first_new = 0;   // entries that the runs before complete
  std::byte* ring = nullptr;    // rows by position modulo capacity
  std::byte* ring_2 = nullptr;  // of the same capacity
  std::int64_t capacity = 0;
  std::byte* const* pages = nullptr;
  std::int64_t rows_per_page = 1;
  std::int64_t offset = 0;  // bytes from a page's start to this layer's rows

  FATHOM_ON_BOTH_SIDES std::byte* paged_row(std::int64_t index, std::int64_t row_bytes) const {
    return pages[index / rows_per_page] + offset + index % rows_per_page * row_bytes;
  }
};

// All runs of a launch, passed by value.
struct PlacedRuns {
  static constexpr std::int64_t kInline = 8;

  PlacedRun inside[kInline] = {};
  const PlacedRun* outside = nullptr;  // in the device's memory; null when all lie inside
  std::int64_t count = 0;

  FATHOM_ON_BOTH_SIDES const PlacedRun& operator[](std::int64_t run) const {
    return outside == nullptr ? inside[run] : outside[run];
  }
  // The run that a row of the step belongs to.
  FATHOM_ON_BOTH_SIDES std::int64_t run_of_row(std::int64_t row) const {
    std::int64_t low = 0;
    std::int64_t high = count;
    while (high - low > 1) {
      const std::int64_t middle = (low + high) / 2;
      ((*this)[middle].first_row <= row ? low : high) = middle;
    }
    return low;
  }
  // The run that completes an entry of the step. Runs that complete none share their first_new with the next one.
  FATHOM_ON_BOTH_SIDES std::int64_t run_of_entry(std::int64_t entry) const {
    std::int64_t low = 0;
    std::int64_t high = count;
    while (high - low > 1) {
      const std::int64_t middle = (low + high) / 2;
      ((*this)[middle].first_new <= entry ? low : high) = middle;
    }
    return low;
  }
};

// What a launch says of its runs; spans that it has no use for stay empty.
struct RunPlaces {
  std::span<const Run> runs;
  std::int64_t ratio = 0;  // 0: no entries are completed
  std::span<const Ring> rings;
  std::span<const Ring> rings_2;
  std::span<const PagedRows> paged;
};

std::vector<PlacedRun> placed_runs(const RunPlaces& places);
// Pages that hold the first entries of a sequence up to a run's end.
std::int64_t pages_of(const Run& run, std::int64_t ratio, const PagedRows& rows);

}  // namespace fathom::cuda
