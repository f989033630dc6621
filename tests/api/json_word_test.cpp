#include "fathom/api/json_word.h"

#include <gtest/gtest.h>

#include "tests/api/surface_support.h"

namespace fathom::api {
namespace {

std::string fault(ResponseFormat::Kind kind, const std::string& text) {
  Call call;
  call.response_format.kind = kind;
  call.messages.resize(2);
  call.messages[0].content = text;
  return test::refusal([&] { check_json_word(call); });
}

TEST(JsonWord, IsAskedForWhereJsonIs) {
  using Kind = ResponseFormat::Kind;
  EXPECT_EQ(fault(Kind::text, ""), "none");
  EXPECT_EQ(fault(Kind::json_schema, ""), "none");
  for (const std::string text : {"json", "give JSON please", "aJsOnb", "js json"})
    EXPECT_EQ(fault(Kind::json_object, text), "none") << text;
  for (const std::string text : {"", "js on", "jso", "JAVASCRIPT"})
    EXPECT_EQ(fault(Kind::json_object, text),
              "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'.");
}

}  // namespace
}  // namespace fathom::api
