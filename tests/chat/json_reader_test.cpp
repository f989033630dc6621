#include "fathom/chat/json_reader.h"

#include <gtest/gtest.h>

#include <random>

namespace fathom {
namespace {

bool reads(std::string_view text) {
  try {
    JsonReader(text, JsonReader::Dialect::python).read();
    return true;
  } catch (const JsonReader::Fault& fault) {
    EXPECT_LE(fault.offset, text.size());
    return false;
  }
}

TEST(JsonReader, RefusesWhatPythonRefuses) {
  for (const std::string text : {"",
                                 " ",
                                 "[1,]",
                                 "[,1]",
                                 "{,}",
                                 "{\"a\"}",
                                 "{\"a\":}",
                                 "{\"a\":1,}",
                                 "{1:2}",
                                 "'a'",
                                 "\"a",
                                 "\"\\x\"",
                                 "\"\\u12\"",
                                 "\"\\u12g4\"",
                                 "\"\\",
                                 "01",
                                 "-",
                                 "1.",
                                 ".5",
                                 "+1",
                                 "1e",
                                 "1e+",
                                 "0x1",
                                 "nul",
                                 "nan",
                                 "infinity",
                                 "True",
                                 "1 2",
                                 "[1}",
                                 "\"a\nb\"",
                                 "\xef\xbb\xbf{}",
                                 "\"\xed\xa0\x80\"",
                                 "\"\xc0\x80\"",
                                 "//x\n1",
                                 "[",
                                 "{",
                                 "[1",
                                 "{\"a\":1"})
    EXPECT_FALSE(reads(text)) << text;
}

TEST(JsonReader, ReadsWhatPythonReads) {
  for (const std::string text :
       {"0", "-0.0e-0", " \t\r\n1 ", "\"\x7f\"", "[[[]]]", "{\"\":\"\"}", "1E+2", "NaN", "-Infinity"})
    EXPECT_TRUE(reads(text)) << text;
}

TEST(JsonReader, PositionsCountLinesAndBytes) {
  const JsonReader::Position position = JsonReader::position_of("a\nbc\nd", 4);
  EXPECT_EQ(position.line, 2);
  EXPECT_EQ(position.column, 3);
  EXPECT_EQ(JsonReader::position_of("", 0).column, 1);
}

TEST(JsonReader, ValuesKnowWhereTheyStand) {
  const std::string text = "\n [1.50, {\"ключ\" : \"a\\n\"} ,null]  ";
  const JsonValue whole = JsonReader(text, JsonReader::Dialect::rfc8259).read();
  const auto source = [&text](const JsonValue& value) {
    return text.substr(value.source.begin, value.source.end - value.source.begin);
  };
  EXPECT_EQ(source(whole), text.substr(2, text.size() - 4));
  EXPECT_EQ(source(whole.elements.at(0)), "1.50");
  EXPECT_EQ(source(whole.elements.at(1)), "{\"ключ\" : \"a\\n\"}");
  EXPECT_EQ(source(whole.elements.at(1).members.at(0).value), "\"a\\n\"");
  EXPECT_EQ(source(whole.elements.at(2)), "null");
}

TEST(JsonReader, SurvivesRandomBytesAndEveryTruncation) {
  const std::string whole = R"({"a": [1, -2.5e3, "x\u0041\ud83d\ude42é"], "b": {"c": null, "d": true}})";
  for (std::size_t length = 0; length < whole.size(); ++length) EXPECT_FALSE(reads(whole.substr(0, length)));
  std::mt19937 random(5);
  const std::string alphabet = "{}[]\",:\\u0e-+.tfn \n\xff";
  for (int round = 0; round < 20000; ++round) {
    std::string text = whole;
    for (int change = 0; change < 3; ++change) text[random() % text.size()] = alphabet[random() % alphabet.size()];
    reads(text);
  }
}

}  // namespace
}  // namespace fathom
