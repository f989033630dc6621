// Where a query's keys stand in the sum of its softmax: the window's keys from slot 0, the entries' from slot `window`;
// the slots between and behind them hold nothing. How many there are depends on the query's position alone.
#pragma once

#include <algorithm>
#include <cstdint>

#include "fathom/ops/arguments.h"

namespace fathom {

struct SoftmaxSlots {
  std::int64_t window = 0;
  std::int64_t window_keys = 0;  // of the window's slots, those that hold a key
  std::int64_t entry_slots = 0;

  std::int64_t size() const { return window + entry_slots; }
  // The key in a slot, counted in summation order, or -1. Behind the last key it may be a number too large.
  std::int64_t key_in(std::int64_t slot) const {
    if (slot < window) return slot < window_keys ? slot : -1;
    return slot - window + window_keys;
  }
};

inline SoftmaxSlots softmax_slots(const SparseAttentionArgs& args, std::int64_t position) {
  SoftmaxSlots slots{.window = args.window, .window_keys = std::min(args.window, position + 1)};
  if (args.choice == EntryChoice::all) slots.entry_slots = visible_entries(position, args.ratio);
  if (args.choice == EntryChoice::selected) slots.entry_slots = args.selected.extent(1);
  return slots;
}

}  // namespace fathom
