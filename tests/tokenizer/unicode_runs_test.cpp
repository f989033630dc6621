#include "fathom/tokenizer/unicode_runs.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

TEST(UnicodeRuns, AscendAndDiffer) {
  const auto runs = unicode_runs();
  ASSERT_FALSE(runs.empty());
  EXPECT_EQ(runs.front() >> 4, 0U);
  EXPECT_LE(runs.back() >> 4, 0x10FFFFU);
  for (std::size_t run = 1; run < runs.size(); ++run) {
    EXPECT_LT(runs[run - 1] >> 4, runs[run] >> 4);
    EXPECT_NE(runs[run - 1] & 15, runs[run] & 15);
  }
  for (const std::uint32_t run : runs) EXPECT_LE(run & 7, 5U);
}

}  // namespace
}  // namespace fathom
