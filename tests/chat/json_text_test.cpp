#include "fathom/chat/json_text.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"

namespace fathom {
namespace {

std::string round_trip(std::string_view text) { return write_json(read_json(text, "test")); }

TEST(JsonText, WritesAsPythonDoes) {
  EXPECT_EQ(round_trip(R"( {"a":1,"b" : [true,false,null , {}],"c":"x"} )"),
            R"({"a": 1, "b": [true, false, null, {}], "c": "x"})");
  EXPECT_EQ(round_trip("[]"), "[]");
  EXPECT_EQ(round_trip("[[],[[]]]"), "[[], [[]]]");
}

TEST(JsonText, RepeatedKeysKeepTheFirstPlaceAndTheLastValue) {
  EXPECT_EQ(round_trip(R"({"a": 1, "b": 2, "a": 3})"), R"({"a": 3, "b": 2})");
  EXPECT_EQ(round_trip(R"({"a": {"x": 1, "x": 2}, "\u0061": []})"), R"({"a": []})");
}

TEST(JsonText, EscapesAsPythonDoes) {
  EXPECT_EQ(round_trip(R"("\"\\\/\b\f\n\r\t\u0000\u001f\u007f\u00e9\u2028")"),
            "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7fé\u2028\"");
}

TEST(JsonText, SurrogatePairsJoinAndHalvesBecomeReplacementCharacters) {
  EXPECT_EQ(round_trip(R"("\ud83d\ude42")"), "\"🙂\"");
  EXPECT_EQ(round_trip(R"("\uD83D\uDE42")"), "\"🙂\"");
  EXPECT_EQ(round_trip(R"("\ud83d")"), "\"\ufffd\"");
  EXPECT_EQ(round_trip(R"("\ude42x")"), "\"\ufffdx\"");
  EXPECT_EQ(round_trip(R"("\ud83d\u0041")"), "\"\ufffdA\"");
  EXPECT_EQ(round_trip(R"("\ud83d\ud83d\ude42")"), "\"\ufffd🙂\"");
}

TEST(JsonText, PythonsConstants) {
  EXPECT_EQ(round_trip("[NaN, Infinity, -Infinity]"), "[NaN, Infinity, -Infinity]");
  EXPECT_FALSE(is_json("NaN"));
  EXPECT_FALSE(is_json("[-Infinity]"));
}

TEST(JsonText, NestingHasALimitAndNoStackOverflow) {
  const std::string deep = std::string(990, '[') + std::string(990, ']');
  EXPECT_EQ(round_trip(deep), deep);
  EXPECT_FALSE(try_read_json("[" + deep + "]"));
  EXPECT_FALSE(try_read_json(std::string(1 << 20, '[')));
  EXPECT_FALSE(try_read_json(std::string(1 << 20, '{')));
}

TEST(JsonText, ErrorsNamePlaceLineAndColumn) {
  const auto message = [](std::string_view text) -> std::string {
    try {
      read_json(text, "request.json");
    } catch (const InputError& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_EQ(message("{\n  \"a\": 1,\n  b: 2}"),
            "[request.json] line 3, column 3: found 'b', expected a key in double quotes");
  EXPECT_EQ(message(""), "[request.json] line 1, column 1: found the end, expected a value");
  EXPECT_EQ(message("[1 2]"), "[request.json] line 1, column 4: found '2', expected ',' or ']'");
  EXPECT_EQ(message("{\"a\" 1}"), "[request.json] line 1, column 6: found '1', expected ':'");
  EXPECT_EQ(message("\"a\x01\""), "[request.json] line 1, column 3: found byte 0x01, expected an escape such as \\n");
  EXPECT_EQ(message("\"a\xff\""), "[request.json] line 1, column 3: found byte 0xff, expected UTF-8");
  EXPECT_EQ(message("“"), "[request.json] line 1, column 1: found '“', expected a value");
}

TEST(JsonText, TruthIsPythons) {
  for (const std::string text : {"null", "false", "0", "-0", "0.0", "-0.0", "0e5", "\"\"", "[]", "{}"})
    EXPECT_FALSE(read_json(text, "test").truthy()) << text;
  for (const std::string text : {"true", "1", "0.1", "NaN", "\" \"", "[0]", "{\"a\": 0}"})
    EXPECT_TRUE(read_json(text, "test").truthy()) << text;
}

TEST(JsonText, FindLooksInObjectsOnly) {
  const JsonValue value = read_json(R"({"a": [1], "": 2})", "test");
  ASSERT_NE(value.find("a"), nullptr);
  EXPECT_EQ(value.find("a")->find("a"), nullptr);
  EXPECT_EQ(value.find("")->text, "2");
  EXPECT_EQ(value.find("b"), nullptr);
}

TEST(JsonText, ObjectsAreToldFromOtherJson) {
  EXPECT_TRUE(is_json_object(" \n{\"a\": 1} "));
  EXPECT_FALSE(is_json_object("[1]"));
  EXPECT_FALSE(is_json_object("{\"a\": 1} x"));
  EXPECT_FALSE(is_json_object(""));
}

TEST(JsonText, StringsCanBeWrittenInPieces) {
  std::string pieces;
  append_json_characters(pieces, "a\"");
  append_json_characters(pieces, "\n");
  std::string whole;
  append_json_string(whole, "a\"\n");
  EXPECT_EQ("\"" + pieces + "\"", whole);
}

}  // namespace
}  // namespace fathom
