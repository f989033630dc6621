#include "fathom/trainer/block.h"

#include <gtest/gtest.h>

#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

using namespace testing;

TEST(TrainerBlock, Gradients) {
  const ModelConfig config = tiny_config();
  const Parameters parameters = lively_parameters(config, 7);
  const PackedBatch batch = small_batch(config);
  const Step step(parameters, batch, kDouble);
  const torch::Tensor streams = normal({48, 4, 32}, 1);
  for (const std::int64_t layer : {0, 2}) {
    const std::string prefix = fmt::format("layers.{}.", layer);
    const auto loss = [&] { return probe(Block(step, layer, prefix).forward(streams, {}, false).streams); };
    expect_gradients(loss, {streams});
    expect_parameter_gradients(loss, parameters, prefix, 1e-5);
  }
}

}  // namespace
}  // namespace fathom::train
