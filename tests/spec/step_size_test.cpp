#include "fathom/spec/step_size.h"

#include <gtest/gtest.h>

#include "fathom/spec/model_config.h"

namespace fathom {
namespace {

TEST(StepSize, FlashTakesOneAndAThirdMegabytesAToken) {
  const ModelConfig flash = preset_model_config("deepseek-v4-flash");
  EXPECT_NEAR(static_cast<double>(step_bytes(flash, 1)) / 1e6, 1.31, 0.01);
  EXPECT_EQ(step_bytes(flash, 512), 512 * step_bytes(flash, 1));
  EXPECT_EQ(step_bytes(flash, 0), 0);
}

}  // namespace
}  // namespace fathom
