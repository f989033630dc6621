#include "fathom/ops/runs.h"

#include "tests/ops/cache_support.h"

namespace fathom::op_test {
namespace {

TEST(Runs, EntriesARunCompletes) {
  for (std::int64_t ratio : {1, 4, 128})
    for (std::int64_t start = 0; start < 300; start += 7)
      for (std::int64_t tokens : {1, 2, 4, 5, 130}) {
        const fathom::Run run{0, tokens, start};
        std::int64_t completed = 0;
        for (std::int64_t position = start; position < start + tokens; ++position)
          if ((position + 1) % ratio == 0) {
            EXPECT_EQ((position + 1) / ratio - 1, run.first_entry(ratio) + completed);
            ++completed;
          }
        EXPECT_EQ(run.new_entries(ratio), completed);
      }
}

// j < (t + 1) / m: the query that completes a block sees it.
TEST(Runs, VisibleEntries) {
  EXPECT_EQ(visible_entries(0, 4), 0);
  EXPECT_EQ(visible_entries(2, 4), 0);
  EXPECT_EQ(visible_entries(3, 4), 1);
  EXPECT_EQ(visible_entries(4, 4), 1);
  EXPECT_EQ(visible_entries(126, 128), 0);
  EXPECT_EQ(visible_entries(127, 128), 1);
  EXPECT_EQ(visible_entries(1048575, 4), 262144);
  EXPECT_EQ(visible_entries(5, 0), 0);  // a layer without compression
}

TEST(Runs, ARingTurns) {
  RingMemory memory(3, 8);
  const Ring ring = memory.ring();
  EXPECT_EQ(ring.row(0), ring.rows);
  EXPECT_EQ(ring.row(5), ring.rows + 16);
  EXPECT_EQ(ring.row(6), ring.rows);
}

TEST(Runs, PagedRowsSkipOtherLayers) {
  PageMemory memory(10, 4, 8, 20);
  const PagedRows rows = memory.rows();
  EXPECT_EQ(rows.row(0), rows.pages[0] + 20);
  EXPECT_EQ(rows.row(3), rows.pages[0] + 20 + 24);
  EXPECT_EQ(rows.row(9), rows.pages[2] + 20 + 8);
}

}  // namespace
}  // namespace fathom::op_test
