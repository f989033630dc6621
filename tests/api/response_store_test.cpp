#include "fathom/api/response_store.h"

#include <gtest/gtest.h>

#include <thread>

#include "fathom/api/call_ids.h"

namespace fathom::api {
namespace {

using std::chrono::seconds;
constexpr ResponseStore::Time kStart{};

ChatMessage message(Role role, std::string text) {
  ChatMessage made;
  made.role = role;
  made.content = std::move(text);
  return made;
}

StoredResponse sized(std::size_t bytes) {
  StoredResponse response;
  response.turns.push_back(message(Role::user, std::string(bytes, 'x')));
  return response;
}

TEST(ResponseStore, OfAnotherUserThereIsNone) {
  ResponseStore store({});
  store.put("a", "1", sized(1), kStart);
  EXPECT_NE(store.find("a", "1", kStart), nullptr);
  EXPECT_EQ(store.find("b", "1", kStart), nullptr);
  EXPECT_EQ(store.find("", "1", kStart), nullptr);
  EXPECT_EQ(store.find("a", "2", kStart), nullptr);
  EXPECT_EQ(store.find("a", "", kStart), nullptr);
}

TEST(ResponseStore, EachLivesForAWhile) {
  ResponseStore store({.time_to_live = seconds(10), .bytes = 1 << 20});
  store.put("a", "1", sized(1), kStart);
  store.put("a", "2", sized(1), kStart + seconds(5));
  EXPECT_NE(store.find("a", "1", kStart + seconds(9)), nullptr);
  EXPECT_EQ(store.find("a", "1", kStart + seconds(10)), nullptr);
  EXPECT_NE(store.find("a", "2", kStart + seconds(10)), nullptr);
  EXPECT_EQ(store.size(), 1U);
  EXPECT_EQ(store.find("a", "2", kStart + seconds(99)), nullptr);
  EXPECT_EQ(store.size(), 0U);
  EXPECT_EQ(store.bytes(), 0);
}

TEST(ResponseStore, TheOldestMakeRoom) {
  ResponseStore store({.time_to_live = seconds(10), .bytes = 5000});
  for (int id = 0; id < 100; ++id) {
    store.put("a", std::to_string(id), sized(1000), kStart);
    EXPECT_LE(store.bytes(), 5000);
    EXPECT_NE(store.find("a", std::to_string(id), kStart), nullptr);
  }
  EXPECT_EQ(store.find("a", "0", kStart), nullptr);
  EXPECT_GE(store.size(), 3U);
  store.put("a", "large", sized(5000), kStart);
  EXPECT_EQ(store.find("a", "large", kStart), nullptr) << "larger than the budget";
  EXPECT_NE(store.find("a", "99", kStart), nullptr) << "and nobody had to go for it";
}

TEST(ResponseStore, WhoeverReadsKeepsWhatItReads) {
  ResponseStore store({.time_to_live = seconds(1), .bytes = 5000});
  store.put("a", "1", sized(7), kStart);
  const auto held = store.find("a", "1", kStart);
  EXPECT_EQ(store.find("a", "1", kStart + seconds(2)), nullptr);
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->turns.front().content, "xxxxxxx");
}

TEST(ResponseStore, AnIdIsPutOnce) {
  ResponseStore store({});
  store.put("a", "1", sized(3), kStart);
  store.put("b", "1", sized(4), kStart);
  EXPECT_EQ(store.find("b", "1", kStart), nullptr);
  EXPECT_EQ(store.find("a", "1", kStart)->turns.front().content, "xxx");
  EXPECT_EQ(store.size(), 1U);
}

TEST(ResponseStore, FromManyThreads) {
  ResponseStore store({.time_to_live = seconds(100), .bytes = 40000});
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&store, thread] {
      const std::string user = std::to_string(thread);
      for (int round = 0; round < 500; ++round) {
        const std::string id = user + "/" + std::to_string(round);
        store.put(user, id, sized(static_cast<std::size_t>(round)), kStart + seconds(round / 50));
        const auto found = store.find(user, id, kStart);
        if (found) {
          EXPECT_EQ(found->turns.front().content->size(), static_cast<std::size_t>(round));
        }
        EXPECT_EQ(store.find("nobody", id, kStart), nullptr);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(store.bytes(), 40000);
  EXPECT_GT(store.size(), 0U);
}

TEST(StoredResponse, TheTurnsWithoutInstructionsAndTheAnswer) {
  Call call;
  call.input_system = "from the input";
  call.messages = {message(Role::system, "instructions\n\nfrom the input"), message(Role::user, "u")};
  Answer answer;
  answer.reasoning_content = "r";
  answer.content = "c";
  answer.calls = {{.name = "f", .arguments = "{}"},
                  {.name = "g", .arguments = "{}", .complete = false},
                  {.name = "h", .arguments = "{\"a\": 1}"}};
  const StoredResponse stored = stored_response(call, answer, "91cfbb94");
  EXPECT_EQ(stored.input_system, "from the input");
  ASSERT_EQ(stored.turns.size(), 2U);
  EXPECT_EQ(stored.turns[1].reasoning_content, "r");
  EXPECT_EQ(stored.turns[1].content, "c");
  ASSERT_EQ(stored.turns[1].tool_calls.size(), 2U);
  EXPECT_EQ(stored.turns[1].tool_calls[1].id, call_id("91cfbb94", 2)) << "the ids that the writer gave";
  EXPECT_EQ(stored.turns[1].tool_calls[1].name, "h");
}

TEST(StoredResponse, AnAnswerThatWentOnIsOneTurn) {
  Call call;
  call.messages = {message(Role::user, "u"), message(Role::assistant, "It ")};
  call.messages.back().open_end = true;
  Answer answer;
  answer.content = "is.";
  const StoredResponse stored = stored_response(call, answer, "1");
  ASSERT_EQ(stored.turns.size(), 2U);
  EXPECT_EQ(stored.turns[1].content, "It is.");
  EXPECT_FALSE(stored.turns[1].open_end);
}

TEST(StoredResponse, GoesOnWithNewInstructions) {
  StoredResponse earlier;
  earlier.input_system = "old input";
  earlier.turns = {message(Role::user, "u"), message(Role::assistant, "a")};
  Call call;
  call.messages = {message(Role::system, "new instructions"), message(Role::user, "v")};
  continue_response(call, earlier);
  ASSERT_EQ(call.messages.size(), 4U);
  EXPECT_EQ(call.messages[0].content, "new instructions\n\nold input");
  EXPECT_EQ(call.messages[2].content, "a");
  EXPECT_EQ(call.messages[3].content, "v");
  EXPECT_EQ(call.input_system, "old input");

  Call bare;
  bare.messages = {message(Role::user, "v")};
  continue_response(bare, earlier);
  EXPECT_EQ(bare.messages.front().role, Role::system);
  EXPECT_EQ(bare.messages.front().content, "old input");
  EXPECT_EQ(stored_response(bare, {}, "2").turns.size(), 4U);
}

TEST(StoredResponse, AnswersJoinWhatTheNewInputBeginsWith) {
  StoredResponse earlier;
  earlier.turns = {message(Role::user, "u"), message(Role::assistant, "a")};
  Call call;
  call.messages = {message(Role::assistant, "b"), message(Role::user, "v")};
  continue_response(call, earlier);
  ASSERT_EQ(call.messages.size(), 3U);
  EXPECT_EQ(call.messages[1].content, "a\n\nb");
  Call nothing;
  continue_response(nothing, earlier);
  EXPECT_TRUE(nothing.messages.back().open_end);
}

TEST(StoredResponse, CallsMustBeAnswered) {
  StoredResponse earlier;
  earlier.turns = {message(Role::user, "u"), message(Role::assistant, "")};
  earlier.turns.back().tool_calls = {{.id = "1", .name = "f", .arguments = "{}"}};
  Call call;
  call.messages = {message(Role::tool, "r")};
  call.messages.back().tool_call_id = "1";
  continue_response(call, earlier);
  EXPECT_EQ(call.messages.size(), 3U);
  Call silent;
  silent.messages = {message(Role::user, "v")};
  try {
    continue_response(silent, earlier);
    ADD_FAILURE();
  } catch (const ApiError& error) {
    EXPECT_EQ(std::string(error.what()), "No tool output found for function call 1.");
  }
}

TEST(StoredResponse, NotFoundIsAnOrdinaryError) {
  EXPECT_EQ(response_not_found("x").status(), 400);
  EXPECT_EQ(response_not_found("x").code(), "previous_response_not_found");
  EXPECT_EQ(std::string(response_not_found("x").what()), "Previous response with id 'x' not found.");
}

}  // namespace
}  // namespace fathom::api
