#include "fathom/base/repeated_bytes.h"

#include <gtest/gtest.h>

#include <vector>

#include "fathom/base/error.h"

namespace fathom {
namespace {

std::vector<std::byte> counting(std::size_t size) {
  std::vector<std::byte> block(size);
  for (std::size_t place = 0; place < size; ++place) block[place] = std::byte(place * 7 + place / 256);
  return block;
}

TEST(RepeatedBytes, RepeatTheBlockToTheEnd) {
  const std::vector<std::byte> block = counting(3 * RepeatedBytes::kPage);
  RepeatedBytes repeated(block, 10 * block.size() + 1);
  ASSERT_EQ(repeated.bytes().size(), 11 * block.size());
  for (std::size_t place = 0; place < repeated.bytes().size(); ++place)
    ASSERT_EQ(repeated.bytes()[place], block[place % block.size()]) << place;
  const std::byte* data = repeated.bytes().data();
  const RepeatedBytes moved = std::move(repeated);
  EXPECT_EQ(moved.bytes().data(), data);
}

TEST(RepeatedBytes, NothingIsNothing) {
  EXPECT_TRUE(RepeatedBytes().bytes().empty());
  EXPECT_TRUE(RepeatedBytes(counting(RepeatedBytes::kPage), 0).bytes().empty());
}

TEST(RepeatedBytes, BlocksAreWholePages) {
  EXPECT_THROW(RepeatedBytes(counting(100), 1000), InternalError);
  EXPECT_THROW(RepeatedBytes({}, 1000), InternalError);
}

}  // namespace
}  // namespace fathom
