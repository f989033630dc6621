#include "fathom/ops/softmax_slots.h"

#include <gtest/gtest.h>

#include <vector>

namespace fathom {
namespace {

SparseAttentionArgs arguments(EntryChoice choice, std::int64_t window, std::int64_t ratio, std::int64_t top_k) {
  return {.q = {},
          .format = {},
          .window = window,
          .fresh = {},
          .choice = choice,
          .ratio = ratio,
          .selected = View<const std::int32_t, 2>(nullptr, {1, top_k}),
          .sink = {},
          .scale = 1.0F,
          .runs = {},
          .windows = {},
          .entries = {},
          .out = {}};
}

std::vector<std::int64_t> keys(const SoftmaxSlots& slots) {
  std::vector<std::int64_t> result;
  for (std::int64_t slot = 0; slot < slots.size(); ++slot) result.push_back(slots.key_in(slot));
  return result;
}

TEST(SoftmaxSlots, TheWindowHasItsSlotsFilledOrNot) {
  EXPECT_EQ(keys(softmax_slots(arguments(EntryChoice::none, 4, 0, 0), 1)), (std::vector<std::int64_t>{0, 1, -1, -1}));
  EXPECT_EQ(keys(softmax_slots(arguments(EntryChoice::none, 4, 0, 0), 9)), (std::vector<std::int64_t>{0, 1, 2, 3}));
}

TEST(SoftmaxSlots, EntriesFollowTheWindowsSlots) {
  EXPECT_EQ(keys(softmax_slots(arguments(EntryChoice::all, 4, 2, 0), 2)), (std::vector<std::int64_t>{0, 1, 2, -1, 3}));
  EXPECT_EQ(keys(softmax_slots(arguments(EntryChoice::selected, 2, 2, 3), 4)),
            (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
}

}  // namespace
}  // namespace fathom
