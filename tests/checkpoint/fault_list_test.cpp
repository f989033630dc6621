#include "fathom/checkpoint/fault_list.h"

#include <gtest/gtest.h>

#include "tests/checkpoint/checkpoint_support.h"

namespace fathom {
namespace {

TEST(FaultList, NoneThrowsNothing) {
  const FaultList faults;
  EXPECT_TRUE(faults.empty());
  EXPECT_NO_THROW(faults.throw_if_any("place", "file"));
}

TEST(FaultList, TellsTheFirstFiveAndTheCount) {
  FaultList faults;
  faults.add("a is wrong");
  EXPECT_EQ(testing::error_of([&] { faults.throw_if_any("place", "file"); }), "[place] file: a is wrong");
  faults.add("b is wrong");
  EXPECT_EQ(testing::error_of([&] { faults.throw_if_any("place", "file"); }),
            "[place] file: 2 faults: a is wrong; b is wrong");
  for (int more = 0; more < 68; ++more) faults.add("c");
  EXPECT_EQ(testing::error_of([&] { faults.throw_if_any("place", "file"); }),
            "[place] file: 70 faults: a is wrong; b is wrong; c; c; c; and 65 more");
}

TEST(FaultList, PrintableNames) {
  EXPECT_EQ(printable("layers.0.attn"), "layers.0.attn");
  EXPECT_EQ(printable("a\nb\x1b[31m"), "a?b?[31m");
  EXPECT_EQ(printable(std::string(500, 'x')).size(), 123U);
  EXPECT_EQ(shape_text({2, 3}), "[2, 3]");
  EXPECT_EQ(shape_text({}), "[]");
}

}  // namespace
}  // namespace fathom
