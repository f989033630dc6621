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

}  // namespace
}  // namespace fathom::api
