#include "fathom/chat/answer_equality.h"

#include <gtest/gtest.h>

#include "fathom/chat/tools_text.h"

namespace fathom {
namespace {

constexpr std::string_view kSaid =
    "I look.\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"find\">\n"
    "<｜DSML｜parameter name=\"text\" string=\"true\">a \"b\"</｜DSML｜parameter>\n"
    "<｜DSML｜parameter name=\"limits\" string=\"false\">{\"most\":1.0,\"least\":[1,2]}</｜DSML｜parameter>\n"
    "</｜DSML｜invoke>\n</｜DSML｜tool_calls>";

ChatMessage message_of(std::string arguments) {
  ChatMessage message;
  message.role = Role::assistant;
  message.content = "I look.";
  message.tool_calls.push_back({.id = "call_1", .name = "find", .arguments = std::move(arguments)});
  return message;
}

bool reads(const ChatMessage& message, std::string_view said = kSaid) { return reads_as(said, message, {}); }

TEST(AnswerEquality, ArgumentsMayBeWrittenInAnyWayThatIsTheSameJson) {
  EXPECT_TRUE(reads(message_of(R"({"text": "a \"b\"", "limits": {"most":1.0,"least":[1,2]}})"))) << "as it was told";
  EXPECT_TRUE(reads(message_of(R"({"limits":{"least":[1,2],"most":1},"text":"\u0061 \"b\""})")));
  EXPECT_FALSE(reads(message_of(R"({"text": "a \"b\"", "limits": {"most":1.0,"least":[2,1]}})"))) << "another order";
  EXPECT_FALSE(reads(message_of(R"({"text": "a \"b\"", "limits": {"most":"1.0","least":[1,2]}})"))) << "another kind";
  EXPECT_FALSE(reads(message_of(R"({"text": "a \"b\"", "limits": {"most":1.5,"least":[1,2]}})")));
  EXPECT_FALSE(reads(message_of(R"({"text": "a \"b\""})"))) << "one less";
  EXPECT_FALSE(reads(message_of("no JSON")));
}

TEST(AnswerEquality, WordsNamesAndNumberOfCallsCount) {
  const ChatMessage told = message_of(R"({"text": "a \"b\"", "limits": {"most":1.0,"least":[1,2]}})");
  ChatMessage changed = told;
  changed.content = "I look. ";
  EXPECT_FALSE(reads(changed));
  changed.content.reset();
  EXPECT_FALSE(reads(changed));
  changed = told;
  changed.tool_calls.front().name = "search";
  EXPECT_FALSE(reads(changed));
  changed = told;
  changed.tool_calls.push_back(told.tool_calls.front());
  EXPECT_FALSE(reads(changed));
  changed.tool_calls.clear();
  EXPECT_FALSE(reads(changed));
  changed = told;
  changed.tool_calls.front().id = "another";
  EXPECT_TRUE(reads(changed)) << "the id is no part of what was said";
}

TEST(AnswerEquality, LineBreaksBeforeTheCallsAreMarkup) {
  const ChatMessage told = message_of(R"({"text": "a \"b\"", "limits": {"most":1.0,"least":[1,2]}})");
  std::string one(kSaid);
  one.erase(one.find('\n'), 1);
  EXPECT_TRUE(reads(told, one));
  std::string three(kSaid);
  three.insert(three.find('\n'), "\n");
  EXPECT_FALSE(reads(told, three)) << "the third is content";
}

// The rendered text of a message reads as that message.
TEST(AnswerEquality, WhatIsRenderedReadsAsItself) {
  ChatMessage message = message_of(R"({"a": [true, null], "b": "</｜DSML｜x", "c": 1e-7})");
  message.tool_calls.push_back({.id = "call_2", .name = "none", .arguments = "{}"});
  std::string said = *message.content + "\n\n";
  append_tool_calls(said, message.tool_calls);
  EXPECT_TRUE(reads(message, said));
}

// What a client was shown of these is not all that the model wrote.
TEST(AnswerEquality, RepairedMarkupIsNotReplayed) {
  const ChatMessage told = message_of(R"({"text": "a \"b\"", "limits": {"most":1.0,"least":[1,2]}})");
  std::string unclosed(kSaid);
  unclosed.resize(unclosed.rfind("</｜DSML｜tool_calls>"));
  EXPECT_FALSE(reads(told, unclosed));
  EXPECT_FALSE(reads(told, std::string(kSaid) + "\nwords behind"));
  std::string words(kSaid);
  words.insert(words.find("</｜DSML｜invoke>"), "words between\n");
  EXPECT_FALSE(reads(told, words));
}

TEST(AnswerEquality, WithoutCallsTextIsText) {
  ChatMessage message;
  message.role = Role::assistant;
  message.content = std::string(kSaid);
  EXPECT_TRUE(reads(message));
  message.content = "";
  EXPECT_FALSE(reads(message));
  EXPECT_TRUE(reads(message, ""));
}

}  // namespace
}  // namespace fathom
