#include "fathom/server/answer_memory.h"

#include <gtest/gtest.h>

#include <thread>

namespace fathom::server {
namespace {

ChatMessage message_of(std::string reasoning, std::string content) {
  ChatMessage message;
  message.role = Role::assistant;
  message.reasoning_content = std::move(reasoning);
  message.content = std::move(content);
  return message;
}

ChatMessage calling(std::string id, std::string arguments = "{}") {
  ChatMessage message = message_of("Why", "");
  message.tool_calls.push_back({.id = std::move(id), .name = "clock", .arguments = std::move(arguments)});
  return message;
}

// Ids of the reasoning of what is found first; -1: nothing is.
std::int32_t first(AnswerMemory& memory, const ChatMessage& sent, std::string_view scope = "a") {
  const auto found = memory.find(scope, sent);
  return found.empty() ? -1 : found.front()->reasoning.front();
}

TEST(AnswerMemory, KnowsAMessageAsAWholeAndByItsParts) {
  AnswerMemory memory({});
  memory.remember("a", message_of("Why", "So."), {.reasoning = {1}, .said = {2}});
  EXPECT_EQ(first(memory, message_of("Why", "So.")), 1);
  EXPECT_EQ(first(memory, message_of("Why", "Not so.")), 1) << "by its reasoning";
  EXPECT_EQ(first(memory, message_of("", "So.")), 1) << "by what it says";
  EXPECT_EQ(first(memory, message_of("Who", "Not so.")), -1);
  EXPECT_EQ(first(memory, message_of("So.", "Why")), -1);
}

TEST(AnswerMemory, KnowsACallByItsId) {
  AnswerMemory memory({});
  memory.remember("a", calling("call_00_abc"), {.reasoning = {1}, .said = {2}});
  memory.remember("a", calling("call_00_xyz"), {.reasoning = {3}, .said = {4}});
  EXPECT_EQ(first(memory, calling("call_00_abc")), 1) << "although the later one says the same";
  EXPECT_EQ(first(memory, calling("call_00_xyz")), 3);
  EXPECT_EQ(first(memory, calling("call00abc")), 1) << "signs do not count";
  EXPECT_EQ(first(memory, calling("another")), 3) << "the later one, by what it says";
  EXPECT_EQ(first(memory, calling("call_00_abc", R"({"zone": "UTC"})")), 1) << "whoever asks looks closer";
}

TEST(AnswerMemory, NobodyFindsWhatIsAnothers) {
  AnswerMemory memory({});
  memory.remember("a", calling("call_00_abc"), {.reasoning = {1}, .said = {2}});
  EXPECT_EQ(first(memory, calling("call_00_abc"), "b"), -1);
  EXPECT_EQ(first(memory, calling("call_00_abc"), ""), -1);
  memory.remember("b", calling("call_00_abc"), {.reasoning = {3}, .said = {4}});
  EXPECT_EQ(first(memory, calling("call_00_abc"), "b"), 3);
  EXPECT_EQ(first(memory, calling("call_00_abc"), "a"), 1);
}

TEST(AnswerMemory, TheLongestUnusedMakesRoom) {
  AnswerMemory all({});
  all.remember("a", message_of("0", "x"), {.reasoning = std::vector<std::int32_t>(100), .said = {}});
  const std::int64_t each = all.bytes();
  EXPECT_GE(each, 400);
  AnswerMemory memory({.bytes = 3 * each});
  for (const std::int32_t number : {1, 2, 3})
    memory.remember("a", message_of(std::to_string(number), std::to_string(number)),
                    {.reasoning = std::vector<std::int32_t>(100, number), .said = {}});
  EXPECT_EQ(memory.size(), 3U);
  EXPECT_EQ(first(memory, message_of("1", "1")), 1);
  memory.remember("a", message_of("4", "4"), {.reasoning = std::vector<std::int32_t>(100, 4), .said = {}});
  EXPECT_EQ(first(memory, message_of("2", "2")), -1);
  for (const std::int32_t number : {1, 3, 4})
    EXPECT_EQ(first(memory, message_of(std::to_string(number), std::to_string(number))), number);
  EXPECT_LE(memory.bytes(), 3 * each);
  memory.remember("a", message_of("5", "5"), {.reasoning = std::vector<std::int32_t>(10'000, 5), .said = {}});
  EXPECT_EQ(memory.size(), 3U) << "what is larger than all is not kept";
}

TEST(AnswerMemory, OffItKeepsNothing) {
  AnswerMemory memory({.bytes = 0});
  memory.remember("a", message_of("Why", "So."), {.reasoning = {1}, .said = {2}});
  EXPECT_EQ(memory.size(), 0U);
  EXPECT_EQ(first(memory, message_of("Why", "So.")), -1);
}

TEST(AnswerMemory, FromManyThreads) {
  AnswerMemory memory({.bytes = 20'000});
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&memory, thread] {
      for (std::int32_t number = 0; number < 500; ++number) {
        const std::string scope = std::to_string(number % 3);
        memory.remember(scope, message_of(std::to_string(number), std::to_string(thread)),
                        {.reasoning = {number}, .said = {thread}});
        const auto found = memory.find(scope, message_of(std::to_string(number), ""));
        if (!found.empty()) {
          EXPECT_EQ(found.front()->reasoning.front(), number);
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(memory.bytes(), 20'000);
  EXPECT_GT(memory.size(), 10U);
}

}  // namespace
}  // namespace fathom::server
