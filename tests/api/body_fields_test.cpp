#include "fathom/api/body_fields.h"

#include <gtest/gtest.h>

#include "fathom/api/api_error.h"
#include "tests/api/surface_support.h"

namespace fathom::api {
namespace {

std::string fault(
    std::string_view body, const std::function<void(const JsonField&)>& read = [](const JsonField&) {}) {
  return test::body_refusal([&] { read_body(body, read); });
}

TEST(BodyFields, WhatIsNoJson) {
  EXPECT_EQ(fault("{}"), "none");
  EXPECT_EQ(fault("\xEF\xBB\xBF{}"), "none");
  for (const std::string_view body : {"", " ", "{", "{\"a\":}", "{} {}", "\xEF\xBB\xBF", "{\"a\": NaN}", "nul"})
    EXPECT_TRUE(fault(body).starts_with("Failed to parse the request body as JSON: ")) << body << " " << fault(body);
  EXPECT_EQ(fault(R"({"a": [{"b": -1e999}]})"),
            "Failed to parse the request body as JSON: number out of range at line 1 column 19");
  EXPECT_NE(fault(std::string(5000, '[')), "none");
  EXPECT_EQ(fault("[]"), "~ invalid type: sequence, expected a map");
  EXPECT_EQ(fault("\"{}\""), "~ invalid type: string \"{}\", expected a map");
}

TEST(BodyFields, NumbersInTheirRange) {
  const auto integer = [](const std::string& value) {
    std::string read;
    const std::string refused = fault("{\"max_tokens\": " + value + "}", [&](const JsonField& request) {
      const auto number = integer_in(request.member("max_tokens"), 1, 393216);
      read = number ? std::to_string(*number) : "absent";
    });
    return refused == "none" ? read : refused;
  };
  EXPECT_EQ(integer("1"), "1");
  EXPECT_EQ(integer("393216"), "393216");
  EXPECT_EQ(integer("32000.0"), "32000");
  EXPECT_EQ(integer("null"), "absent");
  const std::string range = "Invalid max_tokens value, the valid range of max_tokens is [1, 393216]";
  for (const std::string value : {"0", "-1", "393217", "1e30", "99999999999999999999999999"})
    EXPECT_EQ(integer(value), range) << value;
  EXPECT_EQ(integer("1.5"), "~ max_tokens: invalid type: floating point `1.5`, expected an integer");
  EXPECT_EQ(integer("\"1\""), "~ max_tokens: invalid type: string \"1\", expected a number");
  EXPECT_EQ(integer("true"), "~ max_tokens: invalid type: boolean `true`, expected a number");

  const auto number = [](const std::string& value) {
    double read = -1;
    const std::string refused = fault("{\"temperature\": " + value + "}", [&](const JsonField& request) {
      read = number_in(request.member("temperature"), 0, 2).value_or(7);
    });
    return refused == "none" ? read : -2;
  };
  EXPECT_EQ(number("0"), 0);
  EXPECT_EQ(number("2"), 2);
  EXPECT_EQ(number("0.25"), 0.25);
  EXPECT_EQ(number("null"), 7);
  EXPECT_EQ(number("-0.0"), 0);
  EXPECT_EQ(number("2.0000001"), -2);
  EXPECT_EQ(number("-1e-9"), -2);
}

TEST(BodyFields, ListsOfTexts) {
  const auto list = [](const std::string& value) {
    std::vector<std::string> read;
    const std::string refused =
        fault("{\"stop\": " + value + "}", [&](const JsonField& request) { read = texts(request.member("stop")); });
    return refused == "none" ? read : std::vector<std::string>{refused};
  };
  EXPECT_EQ(list("null"), std::vector<std::string>{});
  EXPECT_EQ(list(R"(["a", ""])"), (std::vector<std::string>{"a", ""}));
  EXPECT_EQ(list("\"a\""), (std::vector<std::string>{"~ stop: invalid type: string \"a\", expected a sequence"}));
  EXPECT_EQ(list("[1]"), (std::vector<std::string>{"~ stop[0]: invalid type: integer `1`, expected a string"}));
}

}  // namespace
}  // namespace fathom::api
