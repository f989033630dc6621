#include "fathom/evaluation/json_schema.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace fathom {
namespace {

bool fits(std::string_view value, std::string_view schema) {
  return fits_schema(read_json(value, "value"), read_json(schema, "schema"));
}

TEST(JsonSchema, Types) {
  const std::vector<std::pair<std::string_view, std::string_view>> values = {
      {"null", "null"},    {"true", "boolean"}, {"1.5", "number"},
      {"\"1\"", "string"}, {"[1]", "array"},    {"{\"a\": 1}", "object"}};
  for (const auto& [value, type] : values)
    for (const auto& [other, wanted] : values)
      EXPECT_EQ(fits(value, fmt::format(R"({{"type": "{}"}})", wanted)), type == wanted) << value << " as " << wanted;
  EXPECT_TRUE(fits("1", R"({"type": "number"})"));
  EXPECT_TRUE(fits("1", R"({"type": "integer"})"));
  EXPECT_TRUE(fits("-123456789012345678901234567890", R"({"type": "integer"})"));
  for (const std::string_view value : {"1.0", "1e3", "true", "\"1\"", "null"})
    EXPECT_FALSE(fits(value, R"({"type": "integer"})")) << value;
  EXPECT_TRUE(fits("null", R"({"type": ["string", "null"]})"));
  EXPECT_FALSE(fits("1", R"({"type": ["string", "null"]})"));
  EXPECT_FALSE(fits("1", R"({"type": []})"));
  EXPECT_TRUE(fits("1", "{}"));
}

TEST(JsonSchema, Choices) {
  EXPECT_TRUE(fits("\"b\"", R"({"enum": ["a", "b"]})"));
  EXPECT_FALSE(fits("\"B\"", R"({"enum": ["a", "b"]})"));
  EXPECT_TRUE(fits("2.0", R"({"enum": [1, 2]})"));
  EXPECT_FALSE(fits("true", R"({"enum": [1]})"));
  EXPECT_FALSE(fits("1", R"({"enum": []})"));
}

TEST(JsonSchema, ObjectsAndLists) {
  const std::string_view schema = R"({"type": "object", "required": ["name"], "properties": {"name": {"type": "string"},
      "tags": {"type": "array", "items": {"type": "string", "enum": ["x", "y"]}},
      "size": {"type": "object", "properties": {"w": {"type": "number"}}, "required": ["w"]}}})";
  EXPECT_TRUE(fits(R"({"name": "a"})", schema));
  EXPECT_TRUE(fits(R"({"size": {"w": 1}, "tags": ["x", "y", "x"], "name": "a"})", schema));
  EXPECT_TRUE(fits(R"({"name": "a", "tags": []})", schema));
  EXPECT_FALSE(fits("{}", schema)) << "required";
  EXPECT_FALSE(fits(R"({"name": 1})", schema));
  EXPECT_FALSE(fits(R"({"name": "a", "age": 3})", schema)) << "no such property";
  EXPECT_FALSE(fits(R"({"name": "a", "tags": ["x", "z"]})", schema));
  EXPECT_FALSE(fits(R"({"name": "a", "size": {}})", schema));
  EXPECT_FALSE(fits(R"({"name": "a", "size": {"w": "1"}})", schema));
  EXPECT_TRUE(fits(R"({"anything": [1, {}]})", R"({"type": "object"})"));
  EXPECT_TRUE(fits(R"({"anything": 1})", R"({"type": "object", "properties": {}})"));
}

TEST(JsonSchema, SchemasThatMakeNoSenseRefuseOrIgnore) {
  EXPECT_FALSE(fits("1", R"({"type": "numeral"})"));
  EXPECT_FALSE(fits("1", R"({"type": 5})"));
  EXPECT_TRUE(fits("{}", R"({"required": "name"})")) << "no list of names";
  EXPECT_TRUE(fits("1", "[]"));
}

}  // namespace
}  // namespace fathom
