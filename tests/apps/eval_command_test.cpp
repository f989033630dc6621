// `fathom eval`, from the outside.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/apps/program_support.h"
#include "tests/base/file_support.h"

namespace fathom::testing {
namespace {

class EvalCommand : public ::testing::Test {
 protected:
  EvalCommand() {
    write_text(directory_ / "text",
               "It was a calm day. The ship went out.\n\nAnd so it went on.\nanother_line(1);\nanother_line(2);\n");
    write_text(
        directory_ / "dialogues",
        R"({"messages": [{"role": "user", "content": "Hi"}], "family": "a", "check": {"kind": "any_of", "expected": [""]}})");
    write_text(directory_ / "eval.toml",
               "[bits_per_byte]\nwindow = 64\ntexts = [{ name = \"prose\", file = \"text\" }]\n"
               "[dialogues]\nfile = \"dialogues\"\nmax_tokens = 3\n");
  }
  Ran eval(Arguments more, const Environment& environment = {}) {
    Arguments arguments{"eval", "--threads", "1", "--suite", directory_ / "eval.toml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments, "", environment);
  }
  Ran eval_sprat(Arguments more) {
    more.insert(more.end(), {"--model", kSprat.string()});
    return eval(more);
  }
  const TemporaryDirectory directory_;
};

TEST_F(EvalCommand, TablesJsonAndAnswers) {
  const Ran ran = eval_sprat({"--json", directory_ / "figures.json", "--answers", directory_ / "answers.jsonl"});
  ASSERT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_NE(ran.out.find("Bits per byte of held-out text"), std::string::npos);
  EXPECT_NE(ran.out.find("100.0 % of 1"), std::string::npos);
  const auto json = nlohmann::json::parse(read_text(directory_ / "figures.json"));
  const auto& row = json["parts"]["bits_per_byte"][0]["rows"][0];
  EXPECT_EQ(row["text"], "prose");
  EXPECT_GT(row["bits per byte"].get<double>(), 0.0);
  EXPECT_EQ(json["parts"]["dialogues"][0]["rows"][0]["right"]["of"], 1);
  const auto answer = nlohmann::json::parse(read_text(directory_ / "answers.jsonl"));
  EXPECT_EQ(answer["right"], true);
  EXPECT_NE(answer["prompt"].get<std::string>().find("Hi"), std::string::npos);
}

TEST_F(EvalCommand, TheCardIsMarkdownAndTheSameEveryTime) {
  const Ran one = eval_sprat({"--card"});
  ASSERT_EQ(one.exit_code, 0) << one.err;
  EXPECT_NE(one.out.find("| prose | "), std::string::npos) << one.out;
  EXPECT_EQ(one.out.find("\r"), std::string::npos);
  EXPECT_EQ(eval_sprat({"--card"}).out, one.out);
  EXPECT_EQ(eval_sprat({"--card", "--batch-tokens", "7"}).out, one.out);
}

TEST_F(EvalCommand, OnlySomeParts) {
  const Ran ran = eval_sprat({"--only", "dialogues"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.out.find("Bits per byte"), std::string::npos);
  EXPECT_NE(eval_sprat({"--only", "dialogues,recall"}).err.find("has no part recall"), std::string::npos);
  EXPECT_NE(eval_sprat({"--only", "poetry"}).err.find("\"poetry\""), std::string::npos);
}

TEST_F(EvalCommand, FaultsAreNamed) {
  EXPECT_NE(eval({}).err.find("found no --model"), std::string::npos);
  EXPECT_EQ(eval({}).exit_code, 1);
  EXPECT_NE(eval({"--model", "/no/such/model"}).err.find("/no/such/model"), std::string::npos);
  EXPECT_EQ(eval_sprat({"--scale", "0"}).exit_code, 2);
  EXPECT_EQ(eval_sprat({"--limit", "-1"}).exit_code, 2);
  write_text(directory_ / "eval.toml",
             "[bits_per_byte]\nwindow = 64\ntexts = [{ name = \"prose\", file = \"gone\" }]\n");
  const Ran ran = eval_sprat({"--json", directory_ / "figures.json"});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_NE(ran.err.find("gone"), std::string::npos) << ran.err;
  EXPECT_FALSE(std::filesystem::exists(directory_ / "figures.json"));
  EXPECT_NE(run_program({"eval", "--model", kSprat.string()}).err.find("sprat/eval.toml"), std::string::npos)
      << "the model's own suite";
}

TEST_F(EvalCommand, ScoresWithoutAModel) {
  write_text(directory_ / "lines", R"({"check": {"kind": "exact", "expected": "a"}, "message": {"content": "a"}})"
                                   "\n\n"
                                   R"({"check": {"kind": "exact", "expected": "a"}, "message": {"content": "b"}})");
  const Ran ran = run_program({"eval", "--score", directory_ / "lines"}, "", {{"FATHOM_MODEL", "/no/such/model"}});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.out, "{\"passes\": true}\n{\"passes\": false}\n");
  write_text(directory_ / "lines", "{\"check\": 1}\n");
  const Ran faulty = run_program({"eval", "--score", directory_ / "lines"});
  EXPECT_EQ(faulty.exit_code, 1);
  EXPECT_NE(faulty.err.find("lines:1"), std::string::npos) << faulty.err;
}

}  // namespace
}  // namespace fathom::testing
