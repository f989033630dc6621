#include "fathom/trainer/progress.h"

#include <gtest/gtest.h>

#include <limits>

namespace fathom::train {
namespace {

TEST(Progress, Durations) {
  EXPECT_EQ(duration_text(0.4), "0s");
  EXPECT_EQ(duration_text(185.0), "3m 05s");
  EXPECT_EQ(duration_text(7620.0), "2h 07m");
  EXPECT_EQ(duration_text(273600.0), "3d 04h");
  EXPECT_EQ(duration_text(std::numeric_limits<double>::infinity()), "?");
}

TEST(Progress, Lines) {
  CurvePoint point;
  point.step = 120;
  point.stage = "dense";
  point.loss = 3.2101;
  point.bits_per_byte = 1.234;
  point.gradient_norm = 0.81;
  point.imbalance = 1.2;
  point.learning_rate = 2e-3;
  EXPECT_EQ(progress_line(point, {.steps = 4000, .tokens_per_second = 12300.0, .seconds_left = 7620.0}),
            "step 120/4000 dense  loss 3.2101 (1.234 bits/byte)  norm 0.81  load 1.20  lr 2.00e-03  12.3k tok/s  left "
            "2h 07m");
}

TEST(Progress, Bars) {
  EXPECT_EQ(progress_bar(0, 10, 10), "[>         ] 0 %");
  EXPECT_EQ(progress_bar(5, 10, 10), "[=====>    ] 50 %");
  EXPECT_EQ(progress_bar(10, 10, 10), "[==========] 100 %");
  EXPECT_EQ(progress_bar(0, 0, 4), "[====] 100 %");
}

}  // namespace
}  // namespace fathom::train
