#include "fathom/chat/turns.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

ChatMessage of(Role role, std::string content) {
  ChatMessage message;
  message.role = role;
  message.content = std::move(content);
  return message;
}

ChatMessage result(std::string id, std::string content) {
  ChatMessage message = of(Role::tool, std::move(content));
  message.tool_call_id = std::move(id);
  return message;
}

ChatMessage calls(const std::vector<std::string>& ids) {
  ChatMessage message = of(Role::assistant, "");
  for (const std::string& id : ids) message.tool_calls.push_back({.id = id, .name = "f", .arguments = "{}"});
  return message;
}

std::string texts(const Turn& turn) {
  std::string joined;
  for (const TurnBlock& block : turn.blocks) joined += std::string(block.text) + (block.is_tool_result ? "! " : " ");
  return joined;
}

TEST(Turns, UserAndToolMessagesMerge) {
  const std::vector<ChatMessage> messages = {of(Role::user, "a"), of(Role::user, "b"),   result("x", "r"),
                                             of(Role::user, "c"), of(Role::system, "s"), of(Role::user, "d")};
  const std::vector<Turn> turns = merge_turns(messages);
  ASSERT_EQ(turns.size(), 3U);
  EXPECT_EQ(texts(turns[0]), "a b r! c ");
  EXPECT_EQ(turns[1].role, Role::system);
  EXPECT_EQ(texts(turns[2]), "d ");
}

TEST(Turns, ResultsStandInTheOrderOfTheCalls) {
  const std::vector<ChatMessage> messages = {calls({"a", "b", "c"}), result("c", "3"), of(Role::user, "text"),
                                             result("a", "1"), result("b", "2")};
  EXPECT_EQ(texts(merge_turns(messages)[1]), "1! text 2! 3! ");
}

TEST(Turns, UnknownResultsSortWithTheFirstCall) {
  const std::vector<ChatMessage> messages = {calls({"a", "b"}), result("b", "2"), result("?", "x"), result("a", "1")};
  EXPECT_EQ(texts(merge_turns(messages)[1]), "x! 1! 2! ");
}

TEST(Turns, OrderIsThatOfTheLatestCalls) {
  const std::vector<ChatMessage> messages = {
      calls({"a", "b"}), result("b", "2"), result("a", "1"),  of(Role::assistant, "no calls"),
      result("b", "4"),  result("a", "3"), calls({"b", "a"}), result("a", "6"),
      result("b", "5")};
  const std::vector<Turn> turns = merge_turns(messages);
  EXPECT_EQ(texts(turns[1]), "1! 2! ");
  EXPECT_EQ(texts(turns[3]), "3! 4! ");
  EXPECT_EQ(texts(turns[5]), "5! 6! ");
}

TEST(Turns, CallsWithoutIdsOrWithTheSameOneKeepTheirOrder) {
  const std::vector<ChatMessage> none = {calls({"", ""}), result("", "1"), result("", "2")};
  EXPECT_EQ(texts(merge_turns(none)[1]), "1! 2! ");
  const std::vector<ChatMessage> same = {calls({"a", "b", "a"}), result("a", "1"), result("b", "2"), result("a", "3")};
  EXPECT_EQ(texts(merge_turns(same)[1]), "2! 1! 3! ");
}

TEST(Turns, ATaskClosesATurnToTextButNotToResults) {
  ChatMessage task = of(Role::user, "q");
  task.task = Task::query;
  const std::vector<ChatMessage> messages = {task, result("x", "r"), of(Role::user, "b")};
  const std::vector<Turn> turns = merge_turns(messages);
  ASSERT_EQ(turns.size(), 2U);
  EXPECT_EQ(texts(turns[0]), "q r! ");
  EXPECT_EQ(turns[0].task, Task::query);
  EXPECT_EQ(turns[1].task, std::nullopt);
}

TEST(Turns, LastUserTurnCountsDevelopers) {
  const std::vector<ChatMessage> messages = {of(Role::user, "a"), of(Role::developer, "d"), of(Role::assistant, "b")};
  EXPECT_EQ(last_user_turn(merge_turns(messages)), 1);
  EXPECT_EQ(last_user_turn({}), -1);
  const std::vector<ChatMessage> none = {of(Role::system, "a")};
  EXPECT_EQ(last_user_turn(merge_turns(none)), -1);
}

}  // namespace
}  // namespace fathom
