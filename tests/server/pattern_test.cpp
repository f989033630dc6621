// The language of conversations itself: a pattern that matches everything would test nothing.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/server/conversation_support.h"
#include "tests/server/pattern_support.h"

namespace fathom::testing {
namespace {

bool text_fits(std::string_view pattern, std::string_view text) {
  Bindings bindings;
  return match_text(pattern, text, bindings).empty();
}

bool value_fits(std::string_view pattern, std::string_view text) {
  Bindings bindings;
  return match_value(pattern, text, bindings).empty();
}

bool events_fit(std::string_view pattern, std::string_view body) {
  Bindings bindings;
  return match_events(pattern, body, bindings).empty();
}

TEST(Pattern, HolesTakeTheirKindAndNothingElse) {
  EXPECT_TRUE(text_fits("a @{int} b", "a 12 b"));
  EXPECT_FALSE(text_fits("a @{int} b", "a x b"));
  EXPECT_FALSE(text_fits("a @{int} b", "a  b"));
  EXPECT_TRUE(text_fits("@{text}: @{word}.", "a: b: c."));
  EXPECT_FALSE(text_fits("@{text}.", "a\nb."));
  EXPECT_TRUE(text_fits("@{any}.", "a\nb."));
  EXPECT_TRUE(text_fits("@{uuid}", "91cfbb94-554b-4136-8e21-fa02280d56ed"));
  EXPECT_FALSE(text_fits("@{uuid}", "91cfbb94-554b-4136-8e21-fa02280d56e"));
  EXPECT_TRUE(text_fits("@{call_id}", "call_00_j9DA1goVLsSrqpyuwMfR0413"));
  EXPECT_FALSE(text_fits("@{call_id}", "call_0_j9DA1goVLsSrqpyuwMfR04133"));
  EXPECT_FALSE(text_fits("@{hex32}", "0123"));
  EXPECT_THROW(text_fits("@{nothing}", "x"), std::runtime_error);
  EXPECT_THROW(text_fits("@{int", "1"), std::runtime_error);
}

TEST(Pattern, ANameIsTheSameAgain) {
  Bindings bindings;
  EXPECT_EQ(match_text("@{id=int} and @{id}", "12 and 12", bindings), "");
  EXPECT_EQ(bindings.at("id"), "12");
  EXPECT_NE(match_text("@{id}", "13", bindings), "");
  EXPECT_EQ(fill_in("x @{id} @{other}", bindings), "x 12 @{other}");
}

TEST(Pattern, JsonIsComparedWhole) {
  EXPECT_TRUE(value_fits(R"({"a": 1, "b": [true, null]})", R"({"b":[true,null],"a":1})"));
  EXPECT_FALSE(value_fits(R"({"a": 1})", R"({"a": 1, "b": 2})"));
  EXPECT_TRUE(value_fits(R"({"a": 1, "@{more}": 0})", R"({"a": 1, "b": 2})"));
  EXPECT_FALSE(value_fits(R"({"a": 1, "@{more}": 0})", R"({"b": 2})"));
  EXPECT_FALSE(value_fits(R"([1])", R"([1, 2])"));
  EXPECT_TRUE(value_fits(R"([1, "@{more}"])", R"([1, 2])"));
  EXPECT_FALSE(value_fits(R"([1, "@{more}"])", R"([])"));
  EXPECT_TRUE(value_fits(R"({"n": "@{int}"})", R"({"n": 3})"));
  EXPECT_FALSE(value_fits(R"({"n": "@{int}"})", R"({"n": null})"));
  EXPECT_FALSE(value_fits(R"({"n": "3"})", R"({"n": 3})"));
  EXPECT_FALSE(value_fits(R"({"n": null})", R"({"n": "stop"})"));
  EXPECT_FALSE(value_fits(R"({"n": 1})", "no json"));
  EXPECT_TRUE(value_fits("[DONE]", "[DONE]"));
  EXPECT_FALSE(value_fits("[DONE]", "[GONE]"));
  EXPECT_THROW(value_fits("{broken", "{broken"), std::runtime_error);
}

TEST(Pattern, EventsAreAllThereInOrder) {
  const std::string body = "event: a\ndata: {\"n\": 1}\n\n: note\n\n: note\n\nevent: b\ndata: [DONE]\n\n";
  EXPECT_TRUE(events_fit("event: a\ndata: {\"n\": 1}\n\n+ : note\n\nevent: b\ndata: [DONE]", body));
  EXPECT_TRUE(events_fit("event: a\ndata: {\"n\": 1}\n\n* : other\n\n* : note\n\nevent: b\ndata: [DONE]", body));
  EXPECT_FALSE(events_fit("event: a\ndata: {\"n\": 1}\n\n: note\n\nevent: b\ndata: [DONE]", body)) << "two notes";
  EXPECT_FALSE(events_fit("event: a\ndata: {\"n\": 1}\n\n+ : other\n\n* : note\n\nevent: b\ndata: [DONE]", body));
  EXPECT_FALSE(events_fit("event: a\ndata: {\"n\": 2}\n\n* : note\n\nevent: b\ndata: [DONE]", body));
  EXPECT_FALSE(events_fit("event: a\ndata: {\"n\": 1}\n\n* : note", body)) << "more came";
  EXPECT_FALSE(events_fit("event: a\ndata: {\"n\": 1}\n\n* : note\n\nevent: b\ndata: [DONE]\n\n: end", body));
}

class ConversationFile : public ::testing::Test {
 protected:
  std::string play(const std::string& text) {
    const auto file = std::filesystem::temp_directory_path() / ("fathom_conversation_" + std::to_string(::getpid()));
    std::ofstream(file) << text;
    std::string result = play_conversation(file);
    std::filesystem::remove(file);
    return result;
  }
  const std::string ask_ = "[request]\nGET /models\n\n";
};

TEST_F(ConversationFile, WhatDiffersIsSaidWithItsLine) {
  EXPECT_EQ(play("# good\n" + ask_ + "[answer]\n200\ncontent-type: application/json\n"), "");
  EXPECT_NE(play(ask_ + "[answer]\n201\n").find(":4: status 200, expected 201"), std::string::npos);
  EXPECT_NE(play(ask_ + "[answer]\n200\nx-missing: a\n").find("header x-missing"), std::string::npos);
  EXPECT_NE(play(ask_ + "[answer]\n200\n!content-type\n").find("header content-type is there"), std::string::npos);
  EXPECT_NE(play(ask_ + "[answer]\n200\n\n{\"object\": \"nothing\"}\n"), "");
  EXPECT_NE(play(ask_ + "[no such thing]\n").find("no such section"), std::string::npos);
  EXPECT_NE(play("words\n[request]\n").find("before the first section"), std::string::npos);
  EXPECT_NE(play("[server]\nno_such_setting = 1\n").find("no_such_setting"), std::string::npos);
  EXPECT_NE(play("[script]\ndance\n").find("no line of a script"), std::string::npos);
  EXPECT_NE(play("[prompt]\nx\n").find("nothing was submitted"), std::string::npos);
}

}  // namespace
}  // namespace fathom::testing
