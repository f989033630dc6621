#include "fathom/server/call_constraint.h"

#include <gtest/gtest.h>

#include "fathom/api/api_error.h"
#include "tests/server/model_support.h"

namespace fathom::server {
namespace {

using fathom::testing::chat_call;
using fathom::testing::hosted_model;
using fathom::testing::minnow_tokenizer;
using Choice = api::ToolChoice::Kind;
using Format = api::ResponseFormat::Kind;

api::Call with_tool(Choice choice, bool strict) {
  api::Call call = chat_call("Hi");
  call.tools.push_back({.name = "f",
                        .parameters = R"({"type": "object", "properties": {"n": {"type": "integer"}},
                                          "required": ["n"], "additionalProperties": false})",
                        .strict = strict});
  call.tool_choice = {.kind = choice, .name = choice == Choice::named ? "f" : ""};
  return call;
}

std::string calls_of(const std::string& value, int count = 1) {
  std::string block = "\n\n<｜DSML｜tool_calls>\n";
  for (int at = 0; at < count; ++at)
    block += "<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"n\" string=\"false\">" + value +
             "</｜DSML｜parameter>\n</｜DSML｜invoke>\n";
  return block + "</｜DSML｜tool_calls>";
}

// Whether the answer to the call may be this text, to its end.
bool takes(const api::Call& call, const std::string& text, bool in_thinking = false) {
  const auto constraint = constrain(call, hosted_model(), in_thinking);
  if (!constraint) return true;
  std::vector<std::int32_t> tokens = minnow_tokenizer()->encode(text);
  tokens.push_back(hosted_model().end_of_sentence);
  std::vector<std::uint32_t> mask(static_cast<std::size_t>(minnow_tokenizer()->vocab() + 31) / 32);
  for (const std::int32_t token : tokens) {
    if (constraint->narrows()) {
      constraint->allowed(mask);
      if ((mask[token / 32] >> (token % 32) & 1) == 0) return false;
    }
    constraint->accept(token);
  }
  return true;
}

TEST(CallConstraint, TextAndLooseToolsAreFree) {
  EXPECT_EQ(constrain(chat_call("Hi"), hosted_model(), true), nullptr);
  EXPECT_EQ(constrain(with_tool(Choice::automatic, false), hosted_model(), true), nullptr);
  EXPECT_EQ(constrain(with_tool(Choice::none, true), hosted_model(), true), nullptr);
}

TEST(CallConstraint, TheFormatOfAnAnswer) {
  api::Call call = chat_call("Hi");
  call.response_format = {.kind = Format::json_object, .schema = {}};
  EXPECT_TRUE(takes(call, "{\"a\": [1]}"));
  EXPECT_FALSE(takes(call, "[1]"));
  call.response_format = {.kind = Format::json_schema, .schema = R"({"type": "array", "items": {"type": "integer"}})"};
  EXPECT_TRUE(takes(call, "[1]"));
  EXPECT_FALSE(takes(call, "[\"a\"]"));
  EXPECT_TRUE(takes(call, "So: a list.</think>[1]", true));
  EXPECT_FALSE(takes(call, "So: a list.</think>1", true));
}

TEST(CallConstraint, WhichToolsAreCalled) {
  for (const Choice choice : {Choice::automatic, Choice::required, Choice::named}) {
    EXPECT_TRUE(takes(with_tool(choice, true), calls_of("1")));
    EXPECT_FALSE(takes(with_tool(choice, true), calls_of("1.5")));
    EXPECT_EQ(takes(with_tool(choice, true), "No."), choice == Choice::automatic);
    EXPECT_EQ(takes(with_tool(choice, true), calls_of("1", 2)), choice != Choice::named);
  }
  EXPECT_TRUE(takes(with_tool(Choice::required, false), calls_of("1.5"))) << "its schema is not looked at";
  api::Call both = with_tool(Choice::automatic, true);
  both.response_format.kind = Format::json_object;
  EXPECT_TRUE(takes(both, "{}"));
  EXPECT_TRUE(takes(both, calls_of("1")));
  EXPECT_FALSE(takes(both, "No."));
}

TEST(CallConstraint, OneCallAtMost) {
  for (const Choice choice : {Choice::automatic, Choice::required}) {
    api::Call call = with_tool(choice, false);
    EXPECT_TRUE(takes(call, calls_of("1", 2)));
    call.parallel_calls = false;
    EXPECT_TRUE(takes(call, calls_of("1")));
    EXPECT_FALSE(takes(call, calls_of("1", 2)));
  }
}

TEST(CallConstraint, GoesOnFromAPrefix) {
  api::Call call = chat_call("Hi");
  ChatMessage prefix;
  prefix.role = Role::assistant;
  prefix.content = "{\"a\": [1, ";
  prefix.open_end = true;
  call.messages.push_back(prefix);
  call.response_format.kind = Format::json_object;
  EXPECT_TRUE(takes(call, "2]}"));
  EXPECT_FALSE(takes(call, "{}"));
  EXPECT_FALSE(takes(call, "2}"));
  call.messages.back().content = "";
  EXPECT_TRUE(takes(call, "{}"));
  call.messages.back().content = "Sure: {";
  EXPECT_THROW(constrain(call, hosted_model(), false), api::ApiError);
  call = with_tool(Choice::required, true);
  call.messages.push_back(prefix);
  EXPECT_TRUE(takes(call, calls_of("1"))) << "a call begins behind any text";
}

TEST(CallConstraint, ACompletionAndAModelWithoutAMakerAreFree) {
  api::Call call = with_tool(Choice::required, true);
  HostedModel model = hosted_model();
  model.constraints = nullptr;
  EXPECT_EQ(constrain(call, model, false), nullptr);
  call.completion = api::Completion{.prompt = "a", .suffix = std::nullopt};
  EXPECT_EQ(constrain(call, hosted_model(), false), nullptr);
}

TEST(CallConstraint, WhatCannotBeObeyedIsRefusedWithItsPlace) {
  api::Call call = with_tool(Choice::automatic, true);
  call.tools.front().parameters = R"({"type": "object", "properties": {"a": {"type": "text"}}})";
  try {
    constrain(call, hosted_model(), false);
    FAIL() << "taken";
  } catch (const api::ApiError& error) {
    EXPECT_EQ(error.status(), 400);
    EXPECT_NE(std::string(error.what()).find("tool f/properties/a/type"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace fathom::server
