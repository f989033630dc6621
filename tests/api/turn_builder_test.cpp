#include "fathom/api/turn_builder.h"

#include <gtest/gtest.h>

#include "fathom/chat/prompt.h"

namespace fathom::api {
namespace {

TEST(TurnBuilder, SystemTextsBeforeTheFirstTurnAreOne) {
  TurnBuilder turns;
  turns.system("a");
  turns.system("");
  turns.system("b");
  turns.user("u");
  EXPECT_EQ(turns.take_system_text(), "a\n\nb");
  EXPECT_EQ(turns.take_turns().size(), 1U);
}

TEST(TurnBuilder, LaterTheyArePartOfTheUsersTurn) {
  TurnBuilder turns;
  turns.user("u");
  turns.system("s");
  EXPECT_EQ(turns.take_system_text(), "");
  EXPECT_EQ(render_prompt(turns.take_turns(), {}), "<｜begin▁of▁sentence｜><｜User｜>u\n\ns<｜Assistant｜><think>");
}

TEST(TurnBuilder, AloneTheyAreTheUsersTurn) {
  TurnBuilder turns;
  turns.system("s");
  EXPECT_EQ(turns.take_system_text(), "");
  EXPECT_EQ(render_prompt(turns.take_turns(), {}), "<｜begin▁of▁sentence｜><｜User｜>s<｜Assistant｜><think>");
}

TEST(TurnBuilder, PiecesOfTheAssistantAreOneTurn) {
  TurnBuilder turns;
  turns.user("u");
  turns.reasoning("r1");
  turns.answer("a1");
  turns.reasoning("r2");
  turns.call({.id = "1", .name = "f", .arguments = "{}"});
  turns.answer("a2");
  turns.call({.id = "2", .name = "g", .arguments = "{}"});
  turns.result("1", "x");
  turns.answer("a3");
  turns.user("v");
  const std::vector<ChatMessage> built = turns.take_turns();
  ASSERT_EQ(built.size(), 5U);
  EXPECT_EQ(built[1].reasoning_content, "r1\n\nr2");
  EXPECT_EQ(built[1].content, "a1\n\na2");
  EXPECT_EQ(built[1].tool_calls.size(), 2U);
  EXPECT_EQ(built[2].role, Role::tool);
  EXPECT_EQ(built[2].tool_call_id, "1");
  EXPECT_EQ(built[3].content, "a3");
  EXPECT_FALSE(built[3].open_end);
}

TEST(TurnBuilder, TheAssistantsTurnAtTheEndStaysOpen) {
  TurnBuilder turns;
  turns.user("u");
  turns.answer("It is");
  EXPECT_EQ(render_prompt(turns.take_turns(), {.thinking_mode = ThinkingMode::chat}),
            "<｜begin▁of▁sentence｜><｜User｜>u<｜Assistant｜></think>It is");
}

TEST(TurnBuilder, ReasoningThatCameToNothingIsLeftOut) {
  TurnBuilder turns;
  turns.user("u");
  turns.reasoning("broken off");
  turns.user("again");
  EXPECT_EQ(turns.take_turns().size(), 2U);
  turns.user("u");
  turns.reasoning("goes on");
  const std::vector<ChatMessage> built = turns.take_turns();
  ASSERT_EQ(built.size(), 2U);
  EXPECT_TRUE(built.back().open_end);
}

TEST(TurnBuilder, Nothing) {
  TurnBuilder turns;
  EXPECT_EQ(turns.take_system_text(), "");
  EXPECT_TRUE(turns.take_turns().empty());
}

}  // namespace
}  // namespace fathom::api
