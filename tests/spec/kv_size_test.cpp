#include "fathom/spec/kv_size.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

TEST(KvSize, ReleasedModels) {
  const ModelConfig flash = preset_model_config("deepseek-v4-flash");
  const ModelConfig pro = preset_model_config("deepseek-v4-pro");
  EXPECT_EQ(kv_entry_bytes(flash), 584);
  EXPECT_EQ(index_key_bytes(flash), 68);
  EXPECT_DOUBLE_EQ(kv_bytes_per_token(flash), 3514.25);
  EXPECT_DOUBLE_EQ(kv_bytes_per_token(pro), 5031.4375);
  EXPECT_EQ(window_bytes(flash), 3'214'336);
  EXPECT_EQ(window_bytes(pro), 4'559'872);
  constexpr double kGib = 1024.0 * 1024.0 * 1024.0;
  EXPECT_NEAR(static_cast<double>(kv_bytes(flash, 1'048'576)) / kGib, 3.43, 5e-3);
  EXPECT_NEAR(static_cast<double>(kv_bytes(pro, 1'048'576)) / kGib, 4.92, 5e-3);
}

TEST(KvSize, ShortSequencesHoldNoMoreThanTheirTokens) {
  const ModelConfig flash = preset_model_config("deepseek-v4-flash");
  EXPECT_EQ(kv_bytes(flash, 0), 0);
  EXPECT_EQ(kv_bytes(flash, 3), 43 * 3 * 584);
  EXPECT_EQ(kv_bytes(flash, 4), 43 * 4 * 584 + 21 * 652);
  EXPECT_EQ(kv_bytes(flash, 127), 43 * 127 * 584 + 21 * 31 * 652);
  EXPECT_EQ(kv_bytes(flash, 128), 43 * 128 * 584 + 21 * 32 * 652 + 20 * 584);
}

}  // namespace
}  // namespace fathom
