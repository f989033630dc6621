#include "fathom/server/sampled_answer.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace fathom::server {
namespace {

ChatMessage message_of(std::string reasoning, std::string content, std::vector<ToolCall> calls = {}) {
  ChatMessage message;
  message.role = Role::assistant;
  message.reasoning_content = std::move(reasoning);
  message.content = std::move(content);
  message.tool_calls = std::move(calls);
  return message;
}

std::int64_t shared(const std::vector<AnswerKey>& one, const std::vector<AnswerKey>& other) {
  return std::count_if(one.begin(), one.end(),
                       [&](const AnswerKey& key) { return std::find(other.begin(), other.end(), key) != other.end(); });
}

TEST(SampledAnswer, AKeyForEveryWayToKnowIt) {
  const auto keys = answer_keys("a", message_of("Why", "So.", {{.id = "call_1", .name = "clock", .arguments = "{}"}}));
  EXPECT_EQ(keys.size(), 4U) << "id, whole, reasoning, words";
  EXPECT_EQ(answer_keys("a", message_of("", "")).size(), 1U);
  EXPECT_EQ(shared(keys, answer_keys("b", message_of("Why", "So."))), 0) << "another's scope";
}

TEST(SampledAnswer, WhatIsTheSameToAClientHasTheSameKeys) {
  const auto keys =
      answer_keys("a", message_of("Why", "So.", {{.id = "call_1", .name = "f", .arguments = R"({"a":1})"}}));
  const auto again =
      answer_keys("a", message_of("Why", "So.", {{.id = "call1", .name = "f", .arguments = R"({ "a" : 1 })"}}));
  EXPECT_EQ(keys, again);
}

TEST(SampledAnswer, NoTwoMessagesShareAKeyByChance) {
  const auto keys = answer_keys("a", message_of("So.", "Why"));
  EXPECT_EQ(shared(keys, answer_keys("a", message_of("Why", "So."))), 0);
  EXPECT_EQ(shared(keys, answer_keys("a", message_of("So.Why", ""))), 0);
  EXPECT_EQ(shared(answer_keys("", message_of("aWhy", "")), answer_keys("a", message_of("Why", ""))), 0);
}

}  // namespace
}  // namespace fathom::server
