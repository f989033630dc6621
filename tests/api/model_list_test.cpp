#include "fathom/api/model_list.h"

#include <gtest/gtest.h>

#include "tests/api/surface_support.h"

namespace fathom::api {
namespace {

const std::string kPro =
    R"({"id":"deepseek-v4-pro","object":"model","created":0,"owned_by":"deepseek","context_window":1048576,)"
    R"("max_output_tokens":393216})";

TEST(ModelList, WhatIsServedInItsOrder) {
  std::string flash = kPro;
  flash.replace(flash.find("pro"), 3, "flash");
  EXPECT_EQ(models_body(test::policy()), R"({"object":"list","data":[)" + flash + "," + kPro + "]}");
  EXPECT_EQ(models_body({}), R"({"object":"list","data":[]})");
}

TEST(ModelList, OneOfThem) {
  EXPECT_EQ(model_body(test::policy(), "deepseek-v4-pro"), kPro);
  for (const std::string_view id : {"", "deepseek-v4", "DEEPSEEK-V4-PRO", "deepseek-chat"})
    EXPECT_EQ(model_body(test::policy(), id), std::nullopt) << id;
}

TEST(ModelList, AsAnthropicsClientsReadThem) {
  Policy policy = test::policy();
  for (ServedModel& model : policy.models) model.created = 1'777'000'000;
  const std::string pro =
      R"({"type":"model","id":"deepseek-v4-pro","display_name":"deepseek-v4-pro","created_at":"2026-04-24T03:06:40Z",)"
      R"("max_input_tokens":1048576,"max_tokens":393216})";
  EXPECT_EQ(anthropic_model_body(policy, "deepseek-v4-pro"), pro);
  EXPECT_EQ(anthropic_model_body(policy, "claude-opus-4-8"), std::nullopt);
  policy.models.erase(policy.models.begin());
  EXPECT_EQ(anthropic_models_body(policy), R"({"data":[)" + pro +
                                               R"(],"has_more":false,"first_id":"deepseek-v4-pro",)"
                                               R"("last_id":"deepseek-v4-pro"})");
  EXPECT_EQ(anthropic_models_body({}), R"({"data":[],"has_more":false,"first_id":null,"last_id":null})");
}

}  // namespace
}  // namespace fathom::api
