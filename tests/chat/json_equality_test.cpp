#include "fathom/chat/json_equality.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

bool same(std::string_view one, std::string_view other) {
  const bool result = same_json(read_json(one, "one"), read_json(other, "other"));
  EXPECT_EQ(result, same_json(read_json(other, "other"), read_json(one, "one"))) << one << " and " << other;
  return result;
}

TEST(JsonEquality, NumbersByValue) {
  EXPECT_TRUE(same("2", "2.0"));
  EXPECT_TRUE(same("2e1", "20"));
  EXPECT_TRUE(same("0.5", "5e-1"));
  EXPECT_TRUE(same("0", "-0.0"));
  EXPECT_FALSE(same("2", "-2"));
  EXPECT_FALSE(same("2", "2.0000001"));
  EXPECT_TRUE(same_number("007", "7"));
  EXPECT_TRUE(same_number("8.500", "8.5"));
  EXPECT_TRUE(same_number("100", "1e2"));
}

TEST(JsonEquality, NumbersOfAnySize) {
  const std::string huge(400, '9');
  EXPECT_TRUE(same(huge, huge));
  EXPECT_FALSE(same(huge, huge.substr(1)));
  EXPECT_FALSE(same(huge, huge.substr(1) + "8"));
  EXPECT_FALSE(same("9007199254740993", "9007199254740992")) << "a double cannot tell them apart";
  EXPECT_TRUE(same_number("1" + std::string(300, '0'), "1e300"));
  EXPECT_FALSE(same_number("1e99999999999999999999", "1e99999999999999999999")) << "no number that one could write out";
}

TEST(JsonEquality, WhatIsNoNumberEqualsNone) {
  for (const std::string_view word :
       {"", "-", ".", "e5", "1e", "1e+", "NaN", "Infinity", "0x10", "1 2", "1,5", "--1", "½"}) {
    EXPECT_FALSE(same_number(word, word)) << word;
    EXPECT_FALSE(same_number(word, "1")) << word;
  }
}

TEST(JsonEquality, NothingAcrossKinds) {
  const std::vector<std::string_view> values = {"null", "true",     "false", "1",  "0",  "\"1\"",
                                                "\"\"", "\"true\"", "[]",    "{}", "[1]"};
  for (std::size_t one = 0; one < values.size(); ++one)
    for (std::size_t other = 0; other < values.size(); ++other)
      EXPECT_EQ(same(values[one], values[other]), one == other) << values[one] << " and " << values[other];
}

TEST(JsonEquality, ObjectsByMembersArraysByOrder) {
  EXPECT_TRUE(same(R"({"a": 1, "b": [1, {"c": null}]})", R"({"b": [1.0, {"c": null}], "a": 1})"));
  EXPECT_FALSE(same(R"({"a": 1})", R"({"a": 1, "b": 1})"));
  EXPECT_FALSE(same(R"({"a": 1, "c": 1})", R"({"a": 1, "b": 1})"));
  EXPECT_FALSE(same("[1, 2]", "[2, 1]"));
  EXPECT_FALSE(same("[1, 2]", "[1, 2, 2]"));
  EXPECT_TRUE(same(R"({"a": 1, "a": 2})", R"({"a": 2})")) << "the last of a repeated key counts";
}

TEST(JsonEquality, StringsByTheirCharacters) {
  EXPECT_TRUE(same(R"("\u00e9")", "\"é\""));
  EXPECT_FALSE(same(R"("a")", R"("A")"));
  EXPECT_FALSE(same(R"("a")", R"("a ")"));
}

TEST(JsonEquality, DeepNesting) {
  const std::string deep = std::string(900, '[') + std::string(900, ']');
  EXPECT_TRUE(same(deep, deep));
  EXPECT_FALSE(same(deep, "[" + deep + "]"));
}

}  // namespace
}  // namespace fathom
