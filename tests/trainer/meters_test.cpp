#include "fathom/trainer/meters.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <limits>
#include <numbers>

namespace fathom::train {
namespace {

StepMeasures measures(double loss, std::int64_t targets, std::int64_t bytes) {
  const auto scalar = [](double value) { return torch::tensor(value, torch::kFloat64); };
  return {.language = scalar(loss),
          .mtp = scalar(2.0 * loss),
          .balance = scalar(1.0),
          .indexer = scalar(0.0),
          .gradient_norm = scalar(3.0),
          .imbalance = scalar(1.5),
          .targets = targets,
          .bytes = bytes};
}

TEST(Meters, TheLossIsTheMeanOverTargets) {
  Meters meters(torch::kCPU);
  meters.add(measures(1.0, 100, 300));
  meters.add(measures(4.0, 200, 500));
  EXPECT_EQ(meters.steps(), 2);
  EXPECT_TRUE(meters.finite());
  CurvePoint point;
  meters.take(point);
  EXPECT_NEAR(point.loss, 3.0, 1e-6);
  EXPECT_NEAR(point.bits_per_byte, 900.0 / std::numbers::ln2 / 800.0, 1e-6);
  EXPECT_NEAR(point.mtp, 5.0, 1e-6);
  EXPECT_NEAR(point.gradient_norm, 3.0, 1e-6);
  EXPECT_EQ(meters.steps(), 0);
}

TEST(Meters, BytesThatAreUnknownGiveNoBits) {
  Meters meters(torch::kCPU);
  meters.add(measures(1.0, 100, 0));
  CurvePoint point;
  meters.take(point);
  EXPECT_EQ(point.bits_per_byte, 0.0);
  meters.add(measures(std::numeric_limits<double>::quiet_NaN(), 100, 0));
  EXPECT_FALSE(meters.finite());
}

}  // namespace
}  // namespace fathom::train
