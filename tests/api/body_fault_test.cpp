#include "fathom/api/body_fault.h"

#include <gtest/gtest.h>

#include <array>

#include "fathom/api/body_fields.h"
#include "tests/api/surface_support.h"

namespace fathom::api {
namespace {

std::string fault(
    std::string_view body, const std::function<void(const JsonField&)>& read = [](const JsonField&) {}) {
  return test::refusal([&] { read_body(body, read); });
}

std::string syntax_fault(std::string_view body) {
  const std::string text = fault(body);
  constexpr std::string_view kOpening = "Failed to parse the request body as JSON: ";
  return text.starts_with(kOpening) ? text.substr(kOpening.size()) : "another: " + text;
}

struct SyntaxCase {
  std::string body;
  std::string fault;
};

// What serde_json 1.0 says of these texts, but for the depth of nesting, which it ends at 128.
TEST(BodyFault, SyntaxInSerdesWords) {
  const std::vector<SyntaxCase> cases = {
      {"", "EOF while parsing a value at line 1 column 0"},
      {"\n\n", "EOF while parsing a value at line 3 column 0"},
      {"{", "EOF while parsing an object at line 1 column 1"},
      {"{\"a\"", "EOF while parsing an object at line 1 column 4"},
      {"{\"a\":", "EOF while parsing a value at line 1 column 5"},
      {"{\"a\":1", "EOF while parsing an object at line 1 column 6"},
      {"[1", "EOF while parsing a list at line 1 column 2"},
      {"[1,", "EOF while parsing a value at line 1 column 3"},
      {"\"ab", "EOF while parsing a string at line 1 column 3"},
      {"\"a\\", "EOF while parsing a string at line 1 column 3"},
      {"{\"a\" 1}", "expected `:` at line 1 column 6"},
      {"{\"a\":1 \"b\"}", "expected `,` or `}` at line 1 column 8"},
      {"[1 2]", "expected `,` or `]` at line 1 column 4"},
      {"{a:1}", "key must be a string at line 1 column 2"},
      {"{\"a\": x}", "expected value at line 1 column 7"},
      {"{\n\"a\":\n x}", "expected value at line 3 column 2"},
      {"{} x", "trailing characters at line 1 column 4"},
      {"{\"a\":-}", "invalid number at line 1 column 7"},
      {"{\"a\":1.}", "invalid number at line 1 column 8"},
      {"[\"a\nb\"]", "control character (\\u0000-\\u001F) found while parsing a string at line 2 column 0"},
      {"[\"\\x\"]", "invalid escape at line 1 column 4"},
      {"[\"\\u00g0\"]", "invalid escape at line 1 column 7"},
      {"[\"\xff\"]", "invalid unicode code point at line 1 column 3"},
      {"[1e999]", "number out of range at line 1 column 6"},
      {std::string(1000, '['), "recursion limit exceeded at line 1 column 991"}};
  for (const SyntaxCase& one : cases) EXPECT_EQ(syntax_fault(one.body), one.fault) << one.body;
}

TEST(BodyFault, MismatchesInSerdesWords) {
  const auto mismatch = [](const std::string& value, JsonValue::Kind expected) {
    return fault("{\"a\":\n {\"b\": " + value + "}}",
                 [expected](const JsonField& request) { request.member("a").member("b").expect(expected); })
        .substr(std::string("Failed to deserialize the JSON body into the target type: ").size());
  };
  using Kind = JsonValue::Kind;
  EXPECT_EQ(mismatch("null", Kind::string), "a.b: invalid type: null, expected a string at line 2 column 11");
  EXPECT_EQ(mismatch("true", Kind::string), "a.b: invalid type: boolean `true`, expected a string at line 2 column 11");
  EXPECT_EQ(mismatch("-12", Kind::string), "a.b: invalid type: integer `-12`, expected a string at line 2 column 10");
  EXPECT_EQ(mismatch("1.5", Kind::array),
            "a.b: invalid type: floating point `1.5`, expected a sequence at line 2 column 10");
  EXPECT_EQ(mismatch("\"x\\\"y\"", Kind::object),
            "a.b: invalid type: string \"x\\\"y\", expected a map at line 2 column 13");
  EXPECT_EQ(mismatch("[1]", Kind::boolean), "a.b: invalid type: sequence, expected a boolean at line 2 column 7");
  EXPECT_EQ(mismatch("{}", Kind::number), "a.b: invalid type: map, expected a number at line 2 column 7");
}

TEST(BodyFault, WhatIsMissingIsMissedAtTheEndOfItsObject) {
  EXPECT_EQ(fault(R"({"a": [{"b": 1 } ]})",
                  [](const JsonField& request) {
                    request.member("a").elements()[0].member("c").expect(JsonValue::Kind::string);
                  }),
            "Failed to deserialize the JSON body into the target type: a[0]: missing field `c` at line 1 column 16");
  EXPECT_EQ(fault("{} ", [](const JsonField& request) { request.member("c").expect(JsonValue::Kind::string); }),
            "Failed to deserialize the JSON body into the target type: missing field `c` at line 1 column 2");
}

TEST(BodyFault, NamesThatNobodyKnows) {
  constexpr std::array<std::pair<std::string_view, int>, 3> names = {{{"x", 1}, {"y", 2}, {"z", 3}}};
  const auto unknown = [&names](const std::string& value, std::size_t count) {
    return test::body_refusal([&] {
      read_body("{\"a\": " + value + "}",
                [&](const JsonField& request) { request.member("a").one_of<int>(std::span(names).first(count)); });
    });
  };
  EXPECT_EQ(unknown("\"w\"", 1), "~ a: unknown variant `w`, expected `x`");
  EXPECT_EQ(unknown("\"w\"", 2), "~ a: unknown variant `w`, expected `x` or `y`");
  EXPECT_EQ(unknown("\"w\"", 3), "~ a: unknown variant `w`, expected one of `x`, `y`, `z`");
  EXPECT_EQ(unknown("7", 3), "~ a: invalid type: integer `7`, expected one of `x`, `y`, `z`");
}

TEST(BodyFault, NobodysMegabyteComesBack) {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "汉";
  const std::string told = fault("{\"a\": \"" + text + "\"}",
                                 [](const JsonField& request) { request.member("a").expect(JsonValue::Kind::array); });
  EXPECT_LT(told.size(), 300U);
  EXPECT_NE(told.find("汉\", expected a sequence at line 1 column 300008"), std::string::npos) << told;
}

}  // namespace
}  // namespace fathom::api
