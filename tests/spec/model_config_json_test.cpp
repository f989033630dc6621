#include "fathom/spec/model_config_json.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

TEST(ModelConfigJson, ReadsBackEqual) {
  for (const std::string_view name : preset_names()) {
    const ModelConfig config = preset_model_config(name);
    EXPECT_EQ(parse_model_config(model_config_json(config), name), config) << name;
  }
  for (const char* file : {FATHOM_TEST_DATA "/tiny-flash/config.json", FATHOM_TEST_DATA "/tiny-pro/config.json",
                           FATHOM_SOURCE "/models/sprat/config.json"}) {
    const ModelConfig config = load_model_config(file);
    EXPECT_EQ(parse_model_config(model_config_json(config), file), config) << file;
  }
}

TEST(ModelConfigJson, FloatsAreShort) {
  const std::string text = model_config_json(preset_model_config("deepseek-v4-flash"));
  EXPECT_NE(text.find("\"hc_eps\": 1e-06"), std::string::npos) << text;
  EXPECT_NE(text.find("\"routed_scaling_factor\": 1.5,"), std::string::npos) << text;
}

}  // namespace
}  // namespace fathom
