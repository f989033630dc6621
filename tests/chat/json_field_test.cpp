#include "fathom/chat/json_field.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>

#include "fathom/base/error.h"

namespace fathom {
namespace {

std::string fault_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "none";
}

TEST(JsonField, KnowsItsPlace) {
  const JsonValue json = read_json(R"({"messages": [{"a": 1}, {"b": {"c": "x"}}]})", "test");
  const JsonField field = JsonField(&json, "").member("messages").elements().at(1).member("b").member("c");
  EXPECT_EQ(field.place(), "messages[1].b.c");
  EXPECT_EQ(field.text_or_none(), "x");
  const JsonField absent = field.member("d").member("e");
  EXPECT_EQ(absent.place(), "messages[1].b.c.d.e");
  EXPECT_TRUE(absent.is_absent());
}

TEST(JsonField, FaultsSayWhatWasFoundAndExpected) {
  const JsonValue json = read_json(R"({"n": 1, "s": "text", "z": null})", "test");
  const JsonField root(&json, "");
  EXPECT_EQ(fault_of([&] { root.member("n").expect(JsonValue::Kind::string); }),
            "[chat] n: found a number, expected a string");
  EXPECT_EQ(fault_of([&] { root.member("x").expect(JsonValue::Kind::array); }),
            "[chat] x: found nothing, expected an array");
  EXPECT_EQ(fault_of([&] { root.member("s").truth_or(true); }), "[chat] s: found \"text\", expected true or false");
  EXPECT_EQ(fault_of([&] { root.expect(JsonValue::Kind::array); }),
            "[chat] the request: found an object, expected an array");
  EXPECT_FALSE(root.member("z").truth_or(false));
  EXPECT_EQ(root.member("z").text_or_none(), std::nullopt);
}

TEST(JsonField, LongStringsAreCutAtACharacter) {
  JsonValue json;
  json.kind = JsonValue::Kind::string;
  for (int round = 0; round < 100; ++round) json.text += "汉";
  const std::string fault = fault_of([&] { JsonField(&json, "x").expect(JsonValue::Kind::null); });
  EXPECT_NE(fault.find("汉\"..., expected null"), std::string::npos) << fault;
  EXPECT_LT(fault.size(), 100U);
}

TEST(JsonField, OneOfListsTheNames) {
  constexpr std::array<std::pair<std::string_view, int>, 2> names = {{{"one", 1}, {"two", 2}}};
  const JsonValue json = read_json(R"(["two", "three", 2])", "test");
  const auto fields = JsonField(&json, "x").elements();
  EXPECT_EQ(fields[0].one_of<int>(names), 2);
  EXPECT_EQ(fault_of([&] { fields[1].one_of<int>(names); }), "[chat] x[1]: found \"three\", expected one of one, two");
  EXPECT_EQ(fault_of([&] { fields[2].one_of<int>(names); }), "[chat] x[2]: found a number, expected one of one, two");
}

JsonMismatch mismatch_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const JsonFieldError& error) {
    return error.mismatch();
  }
  ADD_FAILURE() << "no error";
  return {};
}

TEST(JsonField, ErrorsCarryWhatTheySay) {
  constexpr std::array<std::pair<std::string_view, int>, 2> names = {{{"one", 1}, {"two", 2}}};
  const JsonValue json = read_json(R"({"a": {"b": "three"}})", "test");
  const JsonField field = JsonField(&json, "").member("a");
  const JsonMismatch wrong = mismatch_of([&] { field.member("b").one_of<int>(names); });
  EXPECT_EQ(wrong.place, "a.b");
  EXPECT_FALSE(wrong.absent);
  EXPECT_EQ(wrong.found.text, "three");
  EXPECT_EQ(wrong.found.source.begin, 12U);
  EXPECT_EQ(wrong.found.source.end, 19U);
  EXPECT_EQ(wrong.names, (std::vector<std::string_view>{"one", "two"}));
  const JsonMismatch absent = mismatch_of([&] { field.member("c").expect(JsonValue::Kind::string); });
  EXPECT_TRUE(absent.absent);
  EXPECT_EQ(absent.expected, "a string");
  EXPECT_EQ(absent.found.source.begin, 6U) << "the object that lacks it";
  EXPECT_EQ(absent.found.source.end, 20U);
  EXPECT_TRUE(mismatch_of([&] { field.expect(JsonValue::Kind::array); }).found.members.empty());
}

TEST(JsonField, StartsOfTextsEndWithACharacter) {
  EXPECT_EQ(text_start("汉汉汉", 4), "汉汉");
  EXPECT_EQ(text_start("汉汉汉", 3), "汉");
  EXPECT_EQ(text_start("ab", 9), "ab");
  EXPECT_EQ(text_start("\xff\xfe", 1), "\xff");
  EXPECT_EQ(text_start("", 0), "");
}

}  // namespace
}  // namespace fathom
