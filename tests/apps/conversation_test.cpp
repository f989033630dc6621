#include "fathom/apps/conversation.h"

#include <gtest/gtest.h>

#include "tests/apps/model_copy_support.h"
#include "tests/apps/program_support.h"

namespace fathom::testing {
namespace {

ModelOptions model_options(const std::filesystem::path& directory) {
  ModelOptions options;
  options.directory = directory.string();
  options.backend.threads = 1;
  return options;
}

class ConversationTest : public ::testing::Test {
 protected:
  ConversationOptions options(ThinkingMode mode = ThinkingMode::chat) {
    ConversationOptions result;
    result.prompt.thinking_mode = mode;
    result.generation.sampling.max_tokens = 12;
    result.generation.sampling.seed = 5;
    return result;
  }
  std::string answer(Conversation& conversation, const std::string& user) {
    ::testing::internal::CaptureStdout();
    conversation.answer(user, interrupt_);
    return ::testing::internal::GetCapturedStdout();
  }
  // What a command says; goes_on_ is what it returned.
  std::string command(Conversation& conversation, const std::string& line) {
    ::testing::internal::CaptureStdout();
    goes_on_ = conversation.command(line, interrupt_);
    return ::testing::internal::GetCapturedStdout();
  }
  static void expect_has(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << '"' << text << "\" has no " << part;
  }

  ModelSession session_{model_options(kSprat)};
  Interrupt interrupt_;
  bool goes_on_ = true;
};

TEST_F(ConversationTest, TurnsAddUp) {
  Conversation conversation(session_, options());
  EXPECT_TRUE(conversation.messages().empty());
  const std::string shown = answer(conversation, "Hello");
  ASSERT_EQ(conversation.messages().size(), 2U);
  EXPECT_EQ(conversation.messages()[0].role, Role::user);
  EXPECT_EQ(conversation.messages()[0].content, "Hello");
  EXPECT_EQ(conversation.messages()[1].role, Role::assistant);
  EXPECT_TRUE(shown.starts_with(*conversation.messages()[1].content)) << shown;
  EXPECT_FALSE(conversation.messages()[1].reasoning_content.has_value());
  answer(conversation, "And then?");
  EXPECT_EQ(conversation.messages().size(), 4U);
}

TEST_F(ConversationTest, TheSystemPromptComesFirstAndStaysThroughReset) {
  ConversationOptions with_system = options();
  with_system.system = "Be brief.";
  Conversation conversation(session_, with_system);
  ASSERT_EQ(conversation.messages().size(), 1U);
  EXPECT_EQ(conversation.messages()[0].role, Role::system);
  answer(conversation, "Hello");
  expect_has(command(conversation, "/reset"), "forgotten");
  ASSERT_EQ(conversation.messages().size(), 1U);
  command(conversation, "/system Be long.  Very.");
  EXPECT_EQ(conversation.messages()[0].content, "Be long.  Very.");
  command(conversation, "/system");
  EXPECT_TRUE(conversation.messages().empty());
}

TEST_F(ConversationTest, TheSameSeedAnswersTheSame) {
  Conversation first(session_, options());
  Conversation second(session_, options());
  EXPECT_EQ(answer(first, "Tell me"), answer(second, "Tell me"));
}

TEST_F(ConversationTest, RegenerateAnswersTheLastQuestionAnew) {
  Conversation conversation(session_, options());
  expect_has(command(conversation, "/regenerate"), "no answer yet");
  answer(conversation, "One");
  const auto old = conversation.messages();
  command(conversation, "/regenerate");
  ASSERT_EQ(conversation.messages().size(), 2U);
  EXPECT_EQ(conversation.messages()[0].content, "One");
  EXPECT_NE(conversation.messages()[1].content, old[1].content);
}

TEST_F(ConversationTest, ThinkingIsSwitchedAndKeptApart) {
  Conversation conversation(session_, options());
  expect_has(command(conversation, "/think"), "thinking is on");
  EXPECT_EQ(conversation.options().prompt.thinking_mode, ThinkingMode::thinking);
  const std::string shown = answer(conversation, "Why?");
  EXPECT_TRUE(shown.starts_with("[thinking] ")) << shown;
  EXPECT_TRUE(conversation.messages()[1].reasoning_content.has_value());
  expect_has(command(conversation, "/think off"), "thinking is off");
  expect_has(command(conversation, "/think on"), "thinking is on");
  expect_has(command(conversation, "/think maybe"), "maybe");
  EXPECT_EQ(conversation.options().prompt.thinking_mode, ThinkingMode::thinking);
}

TEST_F(ConversationTest, ThinkingIsDimmedWhereThereAreColors) {
  ConversationOptions colored = options(ThinkingMode::thinking);
  colored.color = true;
  Conversation conversation(session_, colored);
  const std::string shown = answer(conversation, "Why?");
  EXPECT_TRUE(shown.starts_with("\033[2m")) << shown;
  expect_has(shown, "\033[0m");
  EXPECT_GT(shown.rfind("\033[0m"), shown.rfind("\033[2m")) << "it never stays dimmed";
}

TEST_F(ConversationTest, EffortIsSwitched) {
  Conversation conversation(session_, options());
  expect_has(command(conversation, "/effort"), "effort is high");
  expect_has(command(conversation, "/effort max"), "effort is max");
  EXPECT_EQ(conversation.options().prompt.reasoning_effort, ReasoningEffort::max);
  expect_has(command(conversation, "/effort low"), "not \"low\"");
  EXPECT_EQ(conversation.options().prompt.reasoning_effort, ReasoningEffort::max);
  expect_has(command(conversation, "/effort high"), "effort is high");
}

TEST_F(ConversationTest, StatsAreShownOnDemand) {
  Conversation conversation(session_, options());
  expect_has(answer(conversation, "One"), "cut off");
  expect_has(command(conversation, "/stats"), "stats are on");
  expect_has(answer(conversation, "Two"), "prompt tokens");
  expect_has(command(conversation, "/stats off"), "stats are off");
}

TEST_F(ConversationTest, CommandsSayWhetherTheProgramGoesOn) {
  Conversation conversation(session_, options());
  for (const char* line : {"/help", "/unknown", "/", "/reset ", "/exit now"}) {
    const std::string said = command(conversation, line);
    EXPECT_EQ(goes_on_, std::string(line) != "/exit now") << line;
    if (std::string(line) == "/unknown") expect_has(said, "/unknown is no command");
    if (std::string(line) == "/help") expect_has(said, "/regenerate");
  }
  command(conversation, "/quit");
  EXPECT_FALSE(goes_on_);
}

// A conversation beyond the model's positions.
TEST_F(ConversationTest, AnErrorLeavesTheConversationAsItWas) {
  ModelCopy copy(kSprat);
  copy.set_config("max_position_embeddings", "64");
  ModelSession small(model_options(copy.path()));
  Conversation conversation(small, options());
  answer(conversation, "Hi");
  const std::size_t before = conversation.messages().size();
  const std::string too_long(500, 'x');
  EXPECT_THROW(conversation.answer(too_long, interrupt_), InputError);
  EXPECT_EQ(conversation.messages().size(), before);
  EXPECT_EQ(conversation.messages().back().role, Role::assistant);
}

TEST_F(ConversationTest, ARegenerateThatFailsKeepsTheAnswerItWouldReplace) {
  ModelCopy copy(kSprat);
  copy.set_config("max_position_embeddings", "64");
  ModelSession small(model_options(copy.path()));
  Conversation conversation(small, options());
  answer(conversation, "Hi");
  const auto before = conversation.messages();
  command(conversation, "/effort max");  // whose paragraph does not fit: the same question has a longer prompt now
  command(conversation, "/think on");
  EXPECT_THROW(conversation.command("/regenerate", interrupt_), InputError);
  ASSERT_EQ(conversation.messages().size(), before.size());
  EXPECT_EQ(conversation.messages()[1].content, before[1].content);
}

TEST_F(ConversationTest, AnyBytesAreAQuestion) {
  Conversation conversation(session_, options());
  for (const std::string& user : {std::string("\xFF\xFE\0\x80", 4), std::string("<｜User｜><think>"), std::string(" ")})
    answer(conversation, user);
  EXPECT_EQ(conversation.messages().size(), 6U);
}

}  // namespace
}  // namespace fathom::testing
