#include "fathom/trainer/expert_product.h"

#include <gtest/gtest.h>

#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

using namespace testing;

// Expert 1 of four has no row.
const torch::Tensor kSelected = torch::tensor({2, 0, 3, 2, 0, 3, 2, 3}).view({4, 2});

TEST(TrainerExpertProduct, SortsStably) {
  const ExpertOrder order = sort_by_expert(kSelected, 4);
  EXPECT_TRUE(order.order.equal(torch::tensor({1, 4, 0, 3, 6, 2, 5, 7})));
  EXPECT_TRUE(order.order.index_select(0, order.inverse).equal(torch::arange(8)));
  EXPECT_TRUE(order.ends.equal(torch::tensor({2, 2, 5, 8}, torch::kInt32)));
}

TEST(TrainerExpertProduct, EveryRowMeetsItsExpert) {
  const torch::Tensor x = normal({4, 6}, 1);
  const torch::Tensor weight = normal({4, 5, 6}, 2);
  const ExpertOrder order = sort_by_expert(kSelected, 4);
  const auto product = [&] { return combine(expert_product(dispatch(x, order), weight, order.ends), order); };
  torch::Tensor expected = torch::zeros({4, 5}, torch::kFloat64);
  for (std::int64_t token = 0; token < 4; ++token)
    for (std::int64_t choice = 0; choice < 2; ++choice)
      expected[token] += torch::mv(weight[kSelected[token][choice].item<std::int64_t>()], x[token]);
  EXPECT_TRUE(product().allclose(expected, 1e-12, 1e-12));
  expect_gradients([&] { return probe(product()); }, {x, weight});
}

}  // namespace
}  // namespace fathom::train
