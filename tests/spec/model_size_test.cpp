#include "fathom/spec/model_size.h"

#include <gtest/gtest.h>

#include "fathom/spec/kv_size.h"

namespace fathom {
namespace {

TEST(ModelSize, FlashIsTheReleasedCheckpoint) {
  const ModelSize size = model_size(preset_model_config("deepseek-v4-flash"));
  EXPECT_EQ(size.stored.tensors, 69'187);
  EXPECT_EQ(size.stored.bytes, 159'609'485'896);
  EXPECT_EQ(size.parameters_with_mtp, 290'942'289'362);
  EXPECT_EQ(size.by_dtype.at("I8").tensors, 33'792);
  EXPECT_EQ(size.by_dtype.at("F8_E8M0").tensors, 34'167);
  EXPECT_EQ(size.by_dtype.at("F8_E4M3").tensors, 375);
  EXPECT_EQ(size.by_dtype.at("BF16").tensors, 433);
  EXPECT_EQ(size.by_dtype.at("F32").tensors, 417);
  EXPECT_EQ(size.by_dtype.at("I64").tensors, 3);
  EXPECT_EQ(size.by_dtype.size(), 6U);
  EXPECT_EQ(size.mtp.tensors, 1575);
  EXPECT_NEAR(static_cast<double>(size.mtp.bytes), 3.594e9, 0.5e6);
  EXPECT_NEAR(static_cast<double>(size.parameters_without_mtp), 284.332e9, 0.5e6);
  EXPECT_NEAR(static_cast<double>(size.active_with_embedding_and_head), 13.80e9, 5e6);
  EXPECT_NEAR(static_cast<double>(size.active_without_embedding), 13.27e9, 5e6);
  EXPECT_NEAR(static_cast<double>(size.active_without_embedding_and_head), 12.74e9, 5e6);
}

TEST(ModelSize, ProIsTheReleasedCheckpoint) {
  const ModelSize size = model_size(preset_model_config("deepseek-v4-pro"));
  EXPECT_EQ(size.stored.tensors, 145'116);
  EXPECT_EQ(size.stored.bytes, 864'704'792'696);
  EXPECT_EQ(size.stored.elements, 861'608'274'846);
  EXPECT_EQ(size.parameters_with_mtp, 1'598'837'347'742);
  EXPECT_EQ(size.by_dtype.at("I8").tensors, 71'424);
  EXPECT_EQ(size.by_dtype.at("F8_E8M0").tensors, 71'952);
  EXPECT_EQ(size.by_dtype.at("F8_E4M3").tensors, 528);
  EXPECT_EQ(size.by_dtype.at("BF16").tensors, 619);
  EXPECT_EQ(size.by_dtype.at("F32").tensors, 590);
  EXPECT_EQ(size.by_dtype.at("I64").tensors, 3);
  EXPECT_NEAR(static_cast<double>(size.parameters_without_mtp), 1572.997e9, 0.5e6);
  EXPECT_NEAR(static_cast<double>(size.active_with_embedding_and_head), 49.78e9, 5e6);
  EXPECT_NEAR(static_cast<double>(size.active_without_embedding), 48.85e9, 5e6);
  EXPECT_NEAR(static_cast<double>(size.active_without_embedding_and_head), 47.93e9, 5e6);
}

// Parts in billions, as the fact sheet of the releases lists them.
TEST(ModelSize, PartsAddUp) {
  const ModelSize flash = model_size(preset_model_config("deepseek-v4-flash"));
  const auto billions = [](const ModelSize& size, const char* part) {
    return static_cast<double>(size.parameters_by_part.at(part)) / 1e9;
  };
  EXPECT_NEAR(billions(flash, "experts"), 277.025, 5e-4);
  EXPECT_NEAR(billions(flash, "attention"), 4.599, 5e-4);
  EXPECT_NEAR(billions(flash, "shared experts"), 1.082, 5e-4);
  EXPECT_NEAR(billions(flash, "compressors"), 0.261, 5e-4);
  EXPECT_NEAR(billions(flash, "indexers"), 0.226, 5e-4);
  EXPECT_NEAR(billions(flash, "routers"), 0.045, 5e-4);
  EXPECT_NEAR(billions(flash, "hyper-connections"), 0.034, 5e-4);
  EXPECT_NEAR(billions(flash, "embedding"), 0.530, 5e-4);
  const ModelSize pro = model_size(preset_model_config("deepseek-v4-pro"));
  EXPECT_NEAR(billions(pro, "experts"), 1547.396, 5e-4);
  EXPECT_NEAR(billions(pro, "attention"), 18.294, 5e-4);
  EXPECT_NEAR(billions(pro, "indexers"), 0.501, 5e-4);
  for (const ModelSize& size : {flash, pro}) {
    std::int64_t sum = 0;
    for (const auto& [part, parameters] : size.parameters_by_part) sum += parameters;
    EXPECT_EQ(sum, size.parameters_without_mtp);
  }
}

TEST(ModelSize, BaseKeepsTheParametersAndWidensTheExperts) {
  const ModelSize base = model_size(preset_model_config("deepseek-v4-flash-base"));
  EXPECT_EQ(base.parameters_with_mtp, 290'942'289'362);
  EXPECT_EQ(base.stored.tensors, 69'187);
  EXPECT_EQ(base.by_dtype.count("I8"), 0U);
}

}  // namespace
}  // namespace fathom
