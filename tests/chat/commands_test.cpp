// `fathom prompt` and `fathom parse` from the outside: the program itself, where it has been built.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "fathom/chat/json_text.h"
#include "tests/chat/chat_support.h"

namespace fathom {
namespace {

struct Outcome {
  int code = 0;
  std::string output;
};

class Commands : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(FATHOM_PROGRAM)) GTEST_SKIP() << "no program at " << FATHOM_PROGRAM;
  }

  // `input` reaches the program through a file, so that any bytes will do.
  static Outcome run(const std::string& arguments, const std::string& input, bool errors = false) {
    const std::string file = testing::TempDir() + "fathom_commands_" + std::to_string(getpid());
    std::ofstream(file, std::ios::binary) << input;
    const std::string line =
        std::string(FATHOM_PROGRAM) + " " + arguments + " < " + file + (errors ? " 2>&1 >/dev/null" : " 2>/dev/null");
    Outcome result;
    std::FILE* pipe = popen(line.c_str(), "r");  // NOLINT(cert-env33-c): our own program
    std::array<char, 4096> buffer{};
    for (std::size_t read = 0; (read = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
      result.output.append(buffer.data(), read);
    result.code = WEXITSTATUS(pclose(pipe));
    std::filesystem::remove(file);
    return result;
  }

  static std::vector<JsonValue> lines(const std::string& output) {
    std::vector<JsonValue> read;
    std::istringstream text(output);
    for (std::string line; std::getline(text, line);) read.push_back(read_json(line, "output"));
    return read;
  }
};

const std::string kHello = R"([{"role": "user", "content": "Hello"}])";

TEST_F(Commands, PromptPrintsTheExactTextOrItsTokens) {
  EXPECT_EQ(run("prompt", kHello).output, "<｜begin▁of▁sentence｜><｜User｜>Hello<｜Assistant｜><think>");
  EXPECT_EQ(run("prompt --no-thinking", kHello).output,
            "<｜begin▁of▁sentence｜><｜User｜>Hello<｜Assistant｜></think>");
  EXPECT_EQ(run("prompt --effort none", kHello).output, run("prompt --no-thinking", kHello).output);
  EXPECT_EQ(run("prompt --ids", kHello).output, "0 128803 19923 128804 128821\n");
  EXPECT_EQ(run("prompt --json", kHello).output,
            "{\"prompt\": \"<｜begin▁of▁sentence｜><｜User｜>Hello<｜Assistant｜><think>\", \"token_ids\": [0, 128803, "
            "19923, "
            "128804, 128821]}\n");
  EXPECT_EQ(run("prompt --model " FATHOM_SOURCE "/models/sprat --ids", kHello).output.substr(0, 4), "0 6 ");
}

TEST_F(Commands, PromptAnswersEveryOracleLine) {
  std::string input;
  for (const test::PromptCase& each : test::prompt_cases()) input += each.request + "\n";
  const Outcome result = run("prompt --jsonl", input);
  EXPECT_EQ(result.code, 0);
  const std::vector<JsonValue> answers = lines(result.output);
  ASSERT_EQ(answers.size(), test::prompt_cases().size());
  for (std::size_t line = 0; line < answers.size(); ++line)
    ASSERT_EQ(answers[line].find("prompt")->text, test::prompt_cases()[line].prompt);
}

TEST_F(Commands, BadLinesAreAnsweredWithTheirErrorAndTheRestGoOn) {
  const std::string input = "{\"messages\": " + kHello + "}\n\n{\"messages\": 5}\nnot JSON\n" + kHello + "\n";
  const Outcome result = run("prompt --jsonl", input);
  EXPECT_EQ(result.code, 1);
  const std::vector<JsonValue> answers = lines(result.output);
  ASSERT_EQ(answers.size(), 4U);
  EXPECT_NE(answers[0].find("token_ids"), nullptr);
  EXPECT_EQ(answers[1].find("error")->text, "[chat] messages: found a number, expected an array");
  EXPECT_EQ(answers[2].find("error")->text, "[request] line 1, column 1: found 'n', expected a value");
  EXPECT_NE(answers[3].find("prompt"), nullptr);
  const Outcome errors = run("prompt --jsonl", input, true);
  EXPECT_NE(errors.output.find("fathom: line 3: [chat] messages: found a number"), std::string::npos);
  EXPECT_NE(errors.output.find("2 of 5 lines"), std::string::npos);
}

TEST_F(Commands, FaultyRequestsExitWithOneAndBadUsageWithTwo) {
  EXPECT_EQ(run("prompt", "{").code, 1);
  EXPECT_EQ(run("prompt /no/such/file", "").code, 1);
  EXPECT_EQ(run("prompt --jsonl /no/such/file", "").code, 1);
  EXPECT_EQ(run("prompt --effort huge", kHello).code, 1);
  EXPECT_EQ(run("prompt --thinking --no-thinking", kHello).code, 2);
  EXPECT_EQ(run("prompt --json --ids", kHello).code, 2);
  EXPECT_EQ(run("parse --jsonl", "{\"completion\": 5}\n").code, 1);
  for (const char* each : {"prompt /", "prompt --jsonl /", "parse /", "parse --jsonl /"})
    EXPECT_EQ(run(each, "").code, 1) << each << ": a folder is no text";
}

TEST_F(Commands, AFileMayBeAPipe) {
  const auto piped = [](const std::string& arguments, const std::string& input) {
    return run("--version > /dev/null; (cat | " FATHOM_PROGRAM " " + arguments + ")", input).output;
  };
  EXPECT_EQ(piped("prompt /dev/stdin", kHello), run("prompt", kHello).output);
  EXPECT_EQ(piped("prompt --jsonl /dev/stdin", kHello + "\n"), run("prompt --jsonl", kHello + "\n").output);
  EXPECT_EQ(piped("parse /dev/stdin", "Why.</think>So."), run("parse", "Why.</think>So.").output);
}

TEST_F(Commands, ParseAnswersEveryOracleLine) {
  std::string input;
  for (const test::ParseCase& each : test::parse_cases()) {
    input += "{\"completion\": ";
    append_json_string(input, each.completion);
    input += std::string(", \"thinking_mode\": \"") + (each.thinking_mode == ThinkingMode::chat ? "chat" : "thinking") +
             "\"}\n";
  }
  const Outcome result = run("parse --jsonl", input);
  EXPECT_EQ(result.code, 0);
  const std::vector<JsonValue> answers = lines(result.output);
  ASSERT_EQ(answers.size(), test::parse_cases().size());
  for (std::size_t line = 0; line < answers.size(); ++line)
    ASSERT_EQ(write_json(*answers[line].find("message")), test::parse_cases()[line].message);
}

TEST_F(Commands, ParseReadsRawText) {
  EXPECT_EQ(run("parse", "Why.</think>So.<｜end▁of▁sentence｜>").output,
            "{\"role\": \"assistant\", \"content\": \"So.\", \"reasoning_content\": \"Why.\", \"tool_calls\": []}\n");
  EXPECT_EQ(run("parse --no-thinking", "So.").output,
            "{\"role\": \"assistant\", \"content\": \"So.\", \"reasoning_content\": \"\", \"tool_calls\": []}\n");
  const std::string call = "<｜DSML｜invoke name=\"f\">\n</｜DSML｜invoke>";
  EXPECT_NE(run("parse --no-thinking", call).output.find("\"name\": \"f\""), std::string::npos);
  EXPECT_NE(run("parse --no-thinking --no-tools", call).output.find("\"tool_calls\": []"), std::string::npos);
  EXPECT_NE(run("parse --no-thinking --faults", call, true).output.find("without the tag that opens the block"),
            std::string::npos);
}

TEST_F(Commands, HelpTeachesWithExamples) {
  EXPECT_NE(run("prompt --help", "").output.find("| fathom prompt"), std::string::npos);
  EXPECT_NE(run("parse --help", "").output.find("fathom parse --jsonl completions.jsonl"), std::string::npos);
}

}  // namespace
}  // namespace fathom
