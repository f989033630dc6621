#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "fathom/apps/commands.h"
#include "fathom/base/error.h"

namespace fathom {
namespace {

// What the command prints; standard input holds `input`.
std::string tokenize(std::vector<std::string> arguments, const std::string& input = "") {
  CLI::App program;
  add_tokenize_command(program);
  arguments.insert(arguments.begin(), "tokenize");
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes a vector
  std::istringstream standard_input(input);
  std::streambuf* before = std::cin.rdbuf(standard_input.rdbuf());
  testing::internal::CaptureStdout();
  try {
    program.parse(arguments);
  } catch (...) {
    std::cin.rdbuf(before);
    testing::internal::GetCapturedStdout();
    throw;
  }
  std::cin.rdbuf(before);
  return testing::internal::GetCapturedStdout();
}

const std::string kSprat = FATHOM_SOURCE "/models/sprat";

TEST(TokenizeCommand, PrintsATable) {
  EXPECT_EQ(tokenize({"--text", "Hello!\n<think>\xFF"}),
            "    id  bytes  piece\n"
            " 19923      5  \"Hello\"\n"
            "  8567      2  \"!\\n\"\n"
            "128821      7  \"<think>\"  added token\n"
            "   190      1  \"\\xFF\"\n"
            "4 tokens of 15 bytes\n");
}

TEST(TokenizeCommand, PrintsIdsAndTakesThemBack) {
  const std::string text("Any \xFF bytes,\r\n\0 你好 <｜User｜>", 34);
  const std::string ids = tokenize({"--ids"}, text);
  EXPECT_EQ(tokenize({"--decode"}, ids), text);
  EXPECT_EQ(tokenize({"--decode", "-"}, ids), text);
  EXPECT_EQ(tokenize({"--decode", "--text", ids}), text);
  EXPECT_EQ(tokenize({"--decode", "19923", "3"}), "Hello!");
  EXPECT_EQ(tokenize({"--decode", "[19923,3]"}), "Hello!");
  EXPECT_EQ(tokenize({"--ids", "--text", ""}), "\n");
  EXPECT_EQ(tokenize({"--decode"}, ""), "");
}

TEST(TokenizeCommand, ReadsAFileAndAModel) {
  const std::string file = testing::TempDir() + "tokenize_command_test.txt";
  std::ofstream(file) << "<think>";
  EXPECT_EQ(tokenize({file, "--ids"}), "128821\n");
  EXPECT_EQ(tokenize({file, "--ids", "--model", kSprat}), "8\n");
  EXPECT_THROW(tokenize({file, "--model", "/no/such"}), InputError);
  EXPECT_THROW(tokenize({"/no/such/file"}), InputError);
  EXPECT_THROW(tokenize({file, file}), InputError);
  EXPECT_THROW(tokenize({file, "--text", "x"}), CLI::ParseError);
}

TEST(TokenizeCommand, PrintsJson) {
  const auto json = nlohmann::json::parse(tokenize({"--json", "--text", "é\xFF<think>"}));
  EXPECT_EQ(json["tokens"], 3);
  EXPECT_EQ(json["token_ids"][2], 128821);
  EXPECT_EQ(json["pieces"][0]["piece"], "é");
  EXPECT_EQ(json["pieces"][1]["piece"], "\uFFFD");
  EXPECT_EQ(json["pieces"][1]["bytes"], 1);
  EXPECT_EQ(json["pieces"][2]["added"], true);
  EXPECT_EQ(tokenize({"--json", "--decode", "19923"}), "{\"text\":\"Hello\"}\n");
}

TEST(TokenizeCommand, AnswersJsonLines) {
  const std::string answers = tokenize({"--jsonl"}, "{\"text\": \"Hello!\"}\n\n{\"text\": \"\"}");
  EXPECT_EQ(answers, "{\"token_ids\":[19923,3]}\n{\"token_ids\":[]}\n");
  EXPECT_EQ(tokenize({"--jsonl", "--decode"}, answers), "{\"text\":\"Hello!\"}\n{\"text\":\"\"}\n");
}

TEST(TokenizeCommand, RefusesWhatIsNoIdAndNoCase) {
  EXPECT_THROW(tokenize({"--decode", "129280"}), InputError);
  EXPECT_THROW(tokenize({"--decode"}, "-1"), InputError);
  EXPECT_THROW(tokenize({"--decode"}, "99999999999"), InputError);
  EXPECT_THROW(tokenize({"--decode"}, "Hello"), InputError);
  for (const std::string line : {"[]", "{}", "{", "{\"text\": 1}", "{\"text\": \"\xFF\"}"})
    EXPECT_THROW(tokenize({"--jsonl"}, line), InputError) << line;
  EXPECT_THROW(tokenize({"--jsonl", "--decode"}, "{\"token_ids\": [\"a\"]}"), InputError);
  EXPECT_THROW(tokenize({"--jsonl", "--decode"}, "{\"token_ids\": [1.5]}"), InputError);
  EXPECT_THROW(tokenize({"--jsonl", "--decode"}, "{\"token_ids\": [4294967299]}"), InputError);
  EXPECT_THROW(tokenize({"--jsonl", "--decode"}, "{\"token_ids\": 3}"), InputError);
  EXPECT_THROW(tokenize({"--jsonl", "--ids"}, ""), CLI::ParseError);
}

}  // namespace
}  // namespace fathom
