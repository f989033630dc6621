#include "fathom/trainer/parameters.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"
#include "tests/model/small_model.h"
#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

using namespace testing;
using fathom::testing::TemporaryFolder;

void expect_equal(const Parameters& found, const Parameters& expected) {
  ASSERT_EQ(found.all().size(), expected.all().size());
  for (std::size_t place = 0; place < found.all().size(); ++place) {
    EXPECT_EQ(found.all()[place].name, expected.all()[place].name);
    EXPECT_TRUE(found.all()[place].value.equal(expected.all()[place].value)) << found.all()[place].name;
  }
  for (std::int64_t layer = 0; layer < expected.config().hash_layers; ++layer)
    EXPECT_TRUE(found.hash_table(layer).equal(expected.hash_table(layer)));
}

TEST(TrainerParameters, RandomOnesAreTheSameForOneSeed) {
  const ModelConfig config = tiny_config();
  const Parameters parameters = Parameters::random(config, 3, torch::kCPU);
  expect_equal(Parameters::random(config, 3, torch::kCPU), parameters);
  EXPECT_FALSE(Parameters::random(config, 4, torch::kCPU).at("head").equal(parameters.at("head")));
  EXPECT_EQ(parameters.at("layers.1.ffn.experts.w2").sizes(), (torch::IntArrayRef{6, 32, 32}));
  EXPECT_FALSE(parameters.at("layers.1.ffn.gate.bias").requires_grad());
  EXPECT_TRUE(parameters.at("layers.1.ffn.gate").requires_grad());
  EXPECT_THROW(parameters.at("layers.9.ffn.gate"), InternalError);
  EXPECT_FALSE(parameters.contains("layers.0.ffn.gate.bias"));  // a hash layer
}

TEST(TrainerParameters, ExactFilesReadBackEqual) {
  const TemporaryFolder folder;
  const Parameters parameters = Parameters::random(tiny_config(), 3, torch::kCPU);
  parameters.write(folder.path() / "model", true);
  expect_equal(Parameters::load(Checkpoint::open(folder.path() / "model"), torch::kCPU), parameters);
}

// What the release can store is a fixed point: written twice it does not change again.
TEST(TrainerParameters, ReleasedFilesAreAFixedPoint) {
  const TemporaryFolder folder;
  Parameters::random(tiny_config(), 3, torch::kCPU).write(folder.path() / "first", false);
  const Checkpoint first = Checkpoint::open(folder.path() / "first");
  EXPECT_EQ(first.linear("layers.1.ffn.experts.0.w1").format, WeightFormat::fp4_group);
  const Parameters once = Parameters::load(first, torch::kCPU);
  once.write(folder.path() / "second", false);
  expect_equal(Parameters::load(Checkpoint::open(folder.path() / "second"), torch::kCPU), once);
}

TEST(TrainerParameters, ConvertMakesLeavesAgain) {
  Parameters parameters = Parameters::random(tiny_config(), 3, torch::kCPU);
  parameters.convert(torch::kFloat64);
  for (const Parameter& parameter : parameters.all()) {
    EXPECT_EQ(parameter.value.scalar_type(), torch::kFloat64);
    EXPECT_TRUE(parameter.value.is_leaf());
  }
}

}  // namespace
}  // namespace fathom::train
