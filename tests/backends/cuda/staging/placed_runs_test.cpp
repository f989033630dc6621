#include "fathom/backends/cuda/staging/placed_runs.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"

namespace fathom::cuda {
namespace {

std::byte* address(std::uintptr_t value) { return reinterpret_cast<std::byte*>(value); }

PlacedRuns of(std::vector<PlacedRun> runs, bool outside) {
  PlacedRuns result;
  result.count = std::ssize(runs);
  static std::vector<PlacedRun> kept;
  kept = std::move(runs);
  if (outside) {
    result.outside = kept.data();
  } else {
    std::copy(kept.begin(), kept.end(), result.inside);
  }
  return result;
}

TEST(PlacedRuns, EverySpanFindsItsPlace) {
  const std::vector<fathom::Run> runs = {{0, 5, 2}, {5, 1, 9}};
  const std::vector<Ring> rings = {{address(0x100), 8, 16}, {address(0x200), 9, 16}};
  const std::vector<Ring> others = {{address(0x300), 8, 16}, {address(0x400), 9, 16}};
  std::byte* pages[2] = {address(0x1000), address(0x2000)};
  const std::vector<PagedRows> paged = {{pages, 3, 40, 16}, {pages, 4, 44, 16}};
  const auto placed = placed_runs({.runs = runs, .ratio = 4, .rings = rings, .rings_2 = others, .paged = paged});
  ASSERT_EQ(placed.size(), 2U);
  EXPECT_EQ(placed[1].first_row, 5);
  EXPECT_EQ(placed[1].tokens, 1);
  EXPECT_EQ(placed[1].start, 9);
  EXPECT_EQ(placed[1].ring, address(0x200));
  EXPECT_EQ(placed[1].ring_2, address(0x400));
  EXPECT_EQ(placed[1].capacity, 9);
  EXPECT_EQ(placed[0].first_new, 0);
  EXPECT_EQ(placed[1].first_new, 1);  // positions 2 to 6 complete block 0
  EXPECT_EQ(placed[0].paged_row(4, 16), address(0x2000 + 40 + 16));
  EXPECT_EQ(placed[1].paged_row(4, 16), address(0x2000 + 44));
}

TEST(PlacedRuns, SecondRingsOfAnotherCapacityAreAFault) {
  const std::vector<fathom::Run> runs = {{0, 1, 0}};
  const std::vector<Ring> rings = {{address(0x100), 8, 16}};
  const std::vector<Ring> others = {{address(0x300), 7, 16}};
  EXPECT_THROW(placed_runs({.runs = runs, .ratio = 0, .rings = rings, .rings_2 = others, .paged = {}}), InternalError);
}

// Every row and every new entry of any division into runs belongs to the run that a walk finds.
TEST(PlacedRuns, RowsAndEntriesFindTheirRuns) {
  for (const std::int64_t count : {1, 2, 7, 8, 9, 40}) {
    std::vector<fathom::Run> runs;
    std::int64_t row = 0;
    for (std::int64_t run = 0; run < count; ++run) {
      runs.push_back({row, 1 + run * 7 % 5, run * 11 % 13});
      row += runs.back().tokens;
    }
    const auto placed = placed_runs({.runs = runs, .ratio = 4, .rings = {}, .rings_2 = {}, .paged = {}});
    const PlacedRuns all = of(placed, count > PlacedRuns::kInline);
    std::int64_t entry = 0;
    for (std::int64_t run = 0; run < count; ++run) {
      for (std::int64_t token = 0; token < runs[run].tokens; ++token)
        EXPECT_EQ(all.run_of_row(runs[run].first_row + token), run);
      for (std::int64_t fresh = 0; fresh < runs[run].new_entries(4); ++fresh, ++entry) {
        EXPECT_EQ(all.run_of_entry(entry), run);
        EXPECT_EQ(entry - all[run].first_new, fresh);
      }
    }
  }
}

TEST(PlacedRuns, PagesReachToTheRunsEnd) {
  const PagedRows rows{nullptr, 3, 0, 16};
  EXPECT_EQ(pages_of({0, 1, 2}, 4, rows), 0);  // 3 positions, no entry
  EXPECT_EQ(pages_of({0, 1, 3}, 4, rows), 1);
  EXPECT_EQ(pages_of({0, 12, 0}, 4, rows), 1);  // entries 0, 1, 2
  EXPECT_EQ(pages_of({0, 16, 0}, 4, rows), 2);
}

}  // namespace
}  // namespace fathom::cuda
