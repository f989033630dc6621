// The keys of one query in summation order: window positions ascending, then entries, ascending or as selected.
#pragma once

#include "fathom/backends/cuda/kernels/attention.h"
#include "fathom/backends/cuda/kernels/entry_rows.cuh"

namespace fathom::cuda {

struct QueryKeys {
  const PlacedRun* run;
  const std::byte* fresh;
  const std::int32_t* selected;  // of the query; null: entries ascending
  std::int64_t row_bytes;
  std::int64_t first_position;  // of the window
  std::int64_t window_keys;
  std::int64_t visible;  // entries that the query may see
  std::int64_t most;     // keys, those among `selected` that are none included

  // Null: no key. Positions and entries fit 32 bits, in which divisions are quick.
  __device__ const std::byte* row(std::int64_t key) const {
    if (key < window_keys) {
      const std::int64_t position = first_position + key;
      return position < run->start ? run->ring + remainder(position, run->capacity) * row_bytes
                                   : fresh + (run->first_row + position - run->start) * row_bytes;
    }
    if (key >= most) return nullptr;
    std::int64_t entry = key - window_keys;
    if (selected != nullptr) entry = selected[entry];
    if (entry < 0 || entry >= visible) return nullptr;
    const std::int64_t in_page = remainder(entry, run->rows_per_page);
    return run->pages[quotient(entry, run->rows_per_page)] + run->offset + in_page * row_bytes;
  }

 private:
  __device__ static std::int64_t quotient(std::int64_t value, std::int64_t by) {
    return static_cast<std::uint32_t>(value) / static_cast<std::uint32_t>(by);
  }
  __device__ static std::int64_t remainder(std::int64_t value, std::int64_t by) {
    return static_cast<std::uint32_t>(value) % static_cast<std::uint32_t>(by);
  }
};

__device__ inline QueryKeys keys_of(const AttentionKernel& args, std::int64_t token, std::int64_t row_bytes) {
  const PlacedRun& run = args.runs[args.runs.run_of_row(token)];
  const std::int64_t position = run.start + token - run.first_row;
  QueryKeys keys = {&run, args.fresh, nullptr, row_bytes, 0, min(args.window, position + 1), 0, 0};
  keys.first_position = position + 1 - keys.window_keys;
  if (args.choice != KeyChoice::window) keys.visible = (position + 1) / args.ratio;
  keys.most = keys.window_keys + keys.visible;
  if (args.choice == KeyChoice::window_and_selected) {
    keys.selected = args.selected + token * args.top_k;
    keys.most = keys.window_keys + args.top_k;
  }
  return keys;
}

}  // namespace fathom::cuda
