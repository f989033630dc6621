// `fathom chat`, from the outside: through a pipe and at a terminal.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/apps/model_copy_support.h"
#include "tests/apps/program_support.h"

namespace fathom::testing {
namespace {

Arguments chat(const Arguments& more, const std::filesystem::path& model = kSprat) {
  Arguments arguments{"chat", "--model", model.string(), "--threads", "1", "--seed", "1"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

void expect_has(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << '"' << text << "\" has no " << part;
}

std::int64_t count_of(const std::string& text, const std::string& part) {
  std::int64_t count = 0;
  for (std::size_t place = text.find(part); place != std::string::npos; place = text.find(part, place + 1)) ++count;
  return count;
}

TEST(ChatThroughAPipe, EveryLineIsAQuestion) {
  const Ran ran = run_program(chat({"--no-think", "-n", "6"}), "Hello\n\n   \nAnd then?\nLast without an end");
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(count_of(ran.out, "[cut off: --max-tokens is reached]\n"), 3) << ran.out;
  EXPECT_EQ(ran.out.find("> "), std::string::npos) << "no prompt in a pipe";
  EXPECT_EQ(ran.out.find('\033'), std::string::npos) << "no colors in a pipe";
  EXPECT_EQ(run_program(chat({"--no-think", "-n", "6"}), "Hello\nAnd then?\nLast without an end\n").out, ran.out);
}

TEST(ChatThroughAPipe, AnAnswerDependsOnTheTurnsBeforeIt) {
  const auto last = [](const std::string& input) {
    const std::string out = run_program(chat({"--no-think", "-n", "12"}), input).out;
    const std::string mark = "[cut off: --max-tokens is reached]\n";
    const std::size_t end = out.rfind(mark);
    const std::size_t before = out.rfind(mark, end - 1);
    return out.substr(before == std::string::npos ? 0 : before + mark.size());
  };
  const std::string alone = last("And then?\n");
  EXPECT_NE(last("Hello\nAnd then?\n"), alone);
  EXPECT_EQ(last("Hello\n/reset\nAnd then?\n"), "conversation forgotten\n" + alone);
}

TEST(ChatThroughAPipe, ALineThatEndsInABackslashGoesOn) {
  const Arguments arguments = chat({"--no-think", "-n", "6", "--stats"});
  const Ran joined = run_program(arguments, "one\\\ntwo\n");
  EXPECT_EQ(count_of(joined.out, "prompt tokens"), 1);
  EXPECT_EQ(count_of(run_program(arguments, "one\ntwo\n").out, "prompt tokens"), 2);
  EXPECT_EQ(count_of(run_program(arguments, "one\\").out, "prompt tokens"), 1) << "the end ends it too";
}

TEST(ChatThroughAPipe, CommandsAreObeyed) {
  const Ran ran =
      run_program(chat({"--no-think", "-n", "3"}),
                  "/help\n/think on\n/effort max\n/stats on\n/system Be kind.\n/nonsense\nHi\n/exit\nNever asked\n");
  EXPECT_EQ(ran.exit_code, 0);
  for (const char* part : {"/regenerate", "thinking is on", "effort is max", "stats are on", "system prompt set",
                           "/nonsense is no command", "[thinking] ", "3 tokens"})
    expect_has(ran.out, part);
  EXPECT_EQ(count_of(ran.out, "prompt tokens, first token"), 1) << "nothing behind /exit";
}

TEST(ChatThroughAPipe, AnErrorKeepsTheConversation) {
  ModelCopy copy(kSprat);
  copy.set_config("max_position_embeddings", "64");
  const std::string too_long(600, 'x');
  const Ran ran = run_program(chat({"--no-think", "-n", "5"}, copy.path()), "Hello\n" + too_long + "\nGo on\n");
  EXPECT_EQ(ran.exit_code, 0);
  expect_has(ran.out, "the model's limit is 64");
  const Ran without = run_program(chat({"--no-think", "-n", "5"}, copy.path()), "Hello\nGo on\n");
  const std::size_t error = ran.out.find("[engine]");
  const std::size_t line_end = ran.out.find('\n', error);
  EXPECT_EQ(ran.out.substr(0, error) + ran.out.substr(line_end + 1), without.out);
}

TEST(ChatThroughAPipe, NothingToSayIsNoError) {
  const Ran ran = run_program(chat({}), "");
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err, "");
}

TEST(ChatThroughAPipe, FaultsBeforeTheFirstQuestion) {
  EXPECT_EQ(run_program({"chat", "--model", "/no/such/model"}, "Hi\n").exit_code, 1);
  EXPECT_EQ(run_program(chat({"--effort", "low"}), "Hi\n").exit_code, 2);
  EXPECT_EQ(run_program(chat({"--temperature", "-1"}), "Hi\n").exit_code, 1);
}

// At a terminal the program shows "> " and colors, and keys mean what they mean to a person.
class ChatAtATerminal : public ::testing::Test {
 protected:
  Environment environment() const { return {{"XDG_STATE_HOME", folder_.path().string()}}; }
  std::filesystem::path history() const { return folder_.path() / "fathom" / "history"; }

  TemporaryFolder folder_;
};

TEST_F(ChatAtATerminal, AsksAnswersAndLeavesWithCtrlD) {
  TerminalProgram program(chat({"--no-think", "-n", "5", "--greeting", "Good morning."}), environment());
  program.wait_for_prompt();
  expect_has(program.shown(), "Good morning.");
  expect_has(program.shown(), "4 layers");
  program.send("Hello\n");
  program.wait_for("[cut off: --max-tokens is reached]");
  program.wait_for_prompt();
  program.send(kCtrlD);
  EXPECT_EQ(program.wait_for_end(), 0);
}

TEST_F(ChatAtATerminal, ThinkingIsDimmed) {
  TerminalProgram program(chat({"-n", "8"}), environment());
  program.wait_for_prompt();
  program.send("Why?\n");
  program.wait_for("\033[2m");
  program.wait_for("\033[0m");
  program.wait_for("[cut off");
  program.wait_for_prompt();
  program.send("/exit\n");
  EXPECT_EQ(program.wait_for_end(), 0);
}

TEST_F(ChatAtATerminal, CtrlCStopsTheAnswerAndNotTheProgram) {
  // Greedy, this little model goes round in circles and does not end by itself.
  TerminalProgram program(chat({"--no-think", "-t", "0", "-n", "1000000", "--stats"}), environment());
  program.wait_for_prompt();
  program.send("Hello\n");
  program.wait_for("\n");
  program.wait_for(" ");  // the answer has begun
  program.send(kCtrlC);
  program.wait_for("interrupted]");
  program.wait_for_prompt();
  program.send("/stats off\n");
  program.wait_for("stats are off");
  program.wait_for_prompt();
  program.send(kCtrlD);
  EXPECT_EQ(program.wait_for_end(), 0);
}

TEST_F(ChatAtATerminal, CtrlCAtThePromptTakesTheLineBack) {
  TerminalProgram program(chat({"--no-think", "-n", "4"}), environment());
  program.wait_for_prompt();
  for (int time = 0; time < 20; ++time) {
    program.send("half a question");
    program.wait_for("question");
    program.send(kCtrlC);  // once, whatever the program is about to do
    program.wait_for_prompt();
  }
  EXPECT_TRUE(program.running());
  program.send("/stats on\n");
  expect_has(program.wait_for("stats are"), "stats are");
  program.wait_for_prompt();
  program.send(kCtrlD);
  EXPECT_EQ(program.wait_for_end(), 0);
}

TEST_F(ChatAtATerminal, CtrlCTakesAllLinesOfAMessageBack) {
  TerminalProgram program(chat({"--no-think", "-n", "4", "--stats"}), environment());
  program.wait_for_prompt();
  program.send("one\\\n");
  program.wait_for("\n  ");
  program.send(kCtrlC);
  program.wait_for_prompt();
  program.send("/exit\n");
  EXPECT_EQ(program.wait_for_end(), 0);
  EXPECT_EQ(program.shown().find("prompt tokens"), std::string::npos) << program.shown() << "nothing was asked";
}

TEST_F(ChatAtATerminal, LinesAreKeptForTheNextTime) {
  {
    TerminalProgram program(chat({"--no-think", "-n", "2"}), environment());
    program.wait_for_prompt();
    program.send("/stats on\n");
    program.wait_for("stats are on");
    program.wait_for_prompt();
    program.send(kCtrlD);
    EXPECT_EQ(program.wait_for_end(), 0);
  }
  ASSERT_TRUE(std::filesystem::exists(history()));
  expect_has(text_of(history()), "/stats");
  TerminalProgram program(chat({"--no-think", "-n", "2"}), environment());
  program.wait_for_prompt();
  program.send("\033[A");  // up
  program.wait_for("/stats on");
  program.send("\n");
  program.wait_for("stats are on");
  program.wait_for_prompt();
  program.send(kCtrlD);
  EXPECT_EQ(program.wait_for_end(), 0);
}

TEST_F(ChatAtATerminal, NoHistoryMeansNone) {
  TerminalProgram program(chat({"--no-think", "--no-history"}), environment());
  program.wait_for_prompt();
  program.send("/stats on\n");
  program.wait_for("stats are on");
  program.wait_for_prompt();
  program.send(kCtrlD);
  EXPECT_EQ(program.wait_for_end(), 0);
  EXPECT_FALSE(std::filesystem::exists(history()));
}

TEST_F(ChatAtATerminal, AHistoryThatCannotBeKeptStopsNothing) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "fathom") << "a file where a folder should be";
  TerminalProgram program(chat({"--no-think", "-n", "2"}), {{"XDG_STATE_HOME", folder.path().string()}});
  program.wait_for_prompt();
  program.send("/stats on\n");
  program.wait_for("stats are on");
  program.wait_for_prompt();
  program.send(kCtrlD);
  EXPECT_EQ(program.wait_for_end(), 0);
}

TEST_F(ChatAtATerminal, CharactersOfAllLanguagesAreKeys) {
  TerminalProgram program(chat({"--no-think", "-n", "2", "--stats"}), environment());
  program.wait_for_prompt();
  program.send("/system 你好 é\x7f!\n");  // the é is taken back by one key
  program.wait_for("system prompt set");
  program.wait_for_prompt();
  program.send(kCtrlD);
  EXPECT_EQ(program.wait_for_end(), 0);
  expect_has(text_of(history()), "!");
}

}  // namespace
}  // namespace fathom::testing
