#include "fathom/spec/layer_choice.h"

#include <gtest/gtest.h>

#include "tests/spec/config_support.h"

namespace fathom {
namespace {

using Ratios = std::vector<std::int64_t>;

TEST(LayerChoice, LayersKeepTheirKinds) {
  const ModelConfig flash = preset_model_config("deepseek-v4-flash");
  const ModelConfig three = with_layers(flash, {0, 2, 3});
  EXPECT_EQ(three.layers, 3);
  EXPECT_EQ(three.mtp_layers, 1);
  EXPECT_EQ(three.hash_layers, 2);
  EXPECT_EQ(three.compress_ratios, (Ratios{0, 4, 128, 0}));
  EXPECT_NO_THROW(three.validate());
  EXPECT_EQ(with_layers(flash, {40, 41}).hash_layers, 0);
}

TEST(LayerChoice, TheFirstLayers) {
  const ModelConfig flash = preset_model_config("deepseek-v4-flash");
  EXPECT_EQ(with_first_layers(flash, 4).compress_ratios, (Ratios{0, 0, 4, 128, 0}));
  EXPECT_EQ(with_first_layers(flash, 4).hash_layers, 3);
  EXPECT_EQ(with_first_layers(flash, 2).hash_layers, 2);
  EXPECT_EQ(with_first_layers(flash, 43), flash);
}

TEST(LayerChoice, TheTrunkAlone) {
  const ModelConfig trunk = without_mtp(preset_model_config("deepseek-v4-flash"));
  EXPECT_EQ(trunk.mtp_layers, 0);
  EXPECT_EQ(trunk.compress_ratios.size(), 43U);
  EXPECT_NO_THROW(trunk.validate());
}

TEST(LayerChoice, FaultsNameBothValues) {
  const ModelConfig flash = preset_model_config("deepseek-v4-flash");
  EXPECT_EQ(testing::error_of([&] { with_first_layers(flash, 44); }),
            "[layers] 44 layers, expected 1 to the config's 43");
  EXPECT_EQ(testing::error_of([&] {
              with_layers(flash, {0, 43});
            }),
            "[layers] layer 43 in place 2, expected rising numbers from 1 to 42");
  EXPECT_EQ(testing::error_of([&] {
              with_layers(flash, {2, 2});
            }),
            "[layers] layer 2 in place 2, expected rising numbers from 3 to 42");
}

}  // namespace
}  // namespace fathom
