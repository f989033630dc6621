#include "fathom/tensor/view.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace fathom {
namespace {

class ViewTest : public ::testing::Test {
 protected:
  ViewTest() : numbers_(24) { std::iota(numbers_.begin(), numbers_.end(), 0); }
  View<int, 3> cube() { return {numbers_.data(), {2, 3, 4}}; }
  std::vector<int> numbers_;
};

TEST_F(ViewTest, TheShapeComesApart) {
  const auto [tokens, heads, head_dim] = cube().shape();
  EXPECT_EQ(tokens, 2);
  EXPECT_EQ(heads, 3);
  EXPECT_EQ(head_dim, 4);
  EXPECT_EQ(cube().size(), 24);
  EXPECT_EQ(cube().extent(2), 4);
}

TEST_F(ViewTest, IndicesAreRowMajor) {
  EXPECT_EQ(cube()[1][2][3], 23);
  EXPECT_EQ(cube()[0][1][0], 4);
  cube()[1][0][2] = -5;
  EXPECT_EQ(numbers_[14], -5);
}

TEST_F(ViewTest, RowsOfTheFirstDimension) {
  const View<int, 3> rows = cube().rows(1, 1);
  EXPECT_EQ(rows.extent(0), 1);
  EXPECT_EQ(rows[0][0][0], 12);
  EXPECT_EQ(cube().rows(2, 0).size(), 0);
  EXPECT_EQ(cube().rows(0, 2).size(), 24);
  EXPECT_THROW(cube().rows(1, 2), InternalError);
  EXPECT_THROW(cube().rows(-1, 1), InternalError);
  EXPECT_THROW(cube().rows(0, -1), InternalError);
}

TEST_F(ViewTest, AnotherShapeOfTheSameElements) {
  EXPECT_EQ((cube().reshape<2>({6, 4})[5][3]), 23);
  EXPECT_EQ((cube().reshape<1>({24})[7]), 7);
  try {
    (void)cube().reshape<2>({5, 5});
    FAIL() << "25 elements out of 24";
  } catch (const InternalError& error) {
    EXPECT_NE(std::string(error.what()).find("25"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("24"), std::string::npos) << error.what();
  }
}

TEST_F(ViewTest, AWritableViewServesAsAReadOnlyOne) {
  const View<const int, 3> reader = cube();
  EXPECT_EQ(reader[1][1][1], 17);
  static_assert(!std::is_convertible_v<View<const int, 3>, View<int, 3>>);
}

TEST_F(ViewTest, Empty) {
  EXPECT_TRUE((View<int, 2>().empty()));
  EXPECT_TRUE((View<int, 2>(numbers_.data(), {0, 4}).empty()));
  EXPECT_FALSE(cube().empty());
  EXPECT_EQ((View<int, 2>(numbers_.data(), {0, 4}).rows(0, 0).size()), 0);
  EXPECT_EQ(cube().span().size(), 24U);
}

}  // namespace
}  // namespace fathom
