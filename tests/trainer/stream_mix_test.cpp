#include "fathom/trainer/stream_mix.h"

#include <gtest/gtest.h>

#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

// Channels that fill no vector, a single stream, transposed weights: float32 runs the loop, float64 the library.
TEST(TrainerStreamMix, LoopsEqualMatrixProducts) {
  for (const std::int64_t channels : {1, 15, 16, 50, 384})
    for (const auto& [out, in] : {std::pair{4, 4}, std::pair{1, 3}, std::pair{3, 1}}) {
      const torch::Tensor weights = testing::normal({200, in, out}, 1).detach().transpose(1, 2);
      const torch::Tensor streams = testing::normal({200, in, channels}, 2).detach();
      const torch::Tensor others = testing::normal({200, out, channels}, 3).detach();
      const auto narrow = [](const torch::Tensor& x) { return x.to(torch::kFloat32); };
      const torch::Tensor mixed = mix_streams(narrow(weights), narrow(streams));
      EXPECT_TRUE(mixed.to(torch::kFloat64).allclose(mix_streams(weights, streams), 1e-5, 1e-5));
      const torch::Tensor dots = dot_streams(narrow(others), narrow(streams));
      EXPECT_TRUE(dots.to(torch::kFloat64).allclose(dot_streams(others, streams), 1e-4, 1e-4));
    }
}

}  // namespace
}  // namespace fathom::train
