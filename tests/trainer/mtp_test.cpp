#include "fathom/trainer/mtp.h"

#include <gtest/gtest.h>

#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

using namespace testing;

TEST(TrainerMtp, TargetsAreTheTokenAfterNextOfTheSameDocument) {
  const ModelConfig config = tiny_config();
  const Parameters parameters = Parameters::random(config, 1, torch::kCPU);
  const PackedRow row = pack({{7, 8, 9}, {4}, {5, 6, 3, 2}}, 10);
  const PackedBatch batch = make_batch({&row, 1}, config, torch::kCPU);
  const Step step(parameters, batch, {});
  EXPECT_TRUE(Mtp(step).targets().equal(torch::tensor({9, -1, -1, -1, 3, 2, -1, -1, -1, -1}).view({1, 10})));
}

TEST(TrainerMtp, Gradients) {
  const ModelConfig config = tiny_config();
  const Parameters parameters = lively_parameters(config, 7);
  const PackedBatch batch = small_batch(config);
  const Step step(parameters, batch, kDouble);
  const torch::Tensor streams = normal({48, 4, 32}, 1);
  const auto loss = [&] { return probe(Mtp(step).forward(streams, {}).streams); };
  expect_gradients(loss, {streams});
  for (const char* part : {"enorm", "hnorm", "e_proj", "h_proj"})
    expect_parameter_gradients(loss, parameters, fmt::format("mtp.0.{}", part), 1e-5);
}

}  // namespace
}  // namespace fathom::train
