// Ranks in order, on every instruction set: few are counted, many sorted.
#include "fathom/backends/cpu/kernels/order.h"

#include <algorithm>
#include <random>

#include "tests/ops/op_support.h"

namespace fathom::op_test {
namespace {

class OrderTest : public ::testing::TestWithParam<const char*> {
 private:
  TargetScope target_{GetParam()};
};

TEST_P(OrderTest, TheSmallestFirst) {
  std::mt19937_64 engine(5);
  for (const std::int64_t count : {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 130, 255, 256, 257, 300}) {
    std::vector<std::uint64_t> ranks;
    for (std::int64_t index = 0; index < count; ++index)
      ranks.push_back((engine() % 20 == 0 ? engine() | 0xffffffff00000000U : engine() << 32U) | engine() % 1000 * 1000 |
                      static_cast<std::uint64_t>(index));
    std::sort(ranks.begin(), ranks.end());
    ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
    std::vector<std::int32_t> expected;
    for (const std::uint64_t rank : ranks) expected.push_back(static_cast<std::int32_t>(rank & 0xffffffffU));
    std::shuffle(ranks.begin(), ranks.end(), engine);
    std::vector<std::int32_t> found(ranks.size());
    // What is behind the last rank counts for nothing, whatever it is.
    for (std::int64_t index = 0; index < kOrderPadding; ++index) ranks.push_back(engine());
    order_ranks(ranks.data(), std::ssize(found), found.data());
    EXPECT_EQ(found, expected) << count;
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, OrderTest, ::testing::ValuesIn(and_narrower_targets({"cpu_1"})), backend_name);

}  // namespace
}  // namespace fathom::op_test
