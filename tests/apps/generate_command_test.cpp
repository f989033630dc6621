// `fathom generate`, from the outside.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "tests/apps/model_copy_support.h"
#include "tests/apps/program_support.h"

namespace fathom::testing {
namespace {

Arguments generate(const Arguments& more) {
  Arguments arguments{"generate", "--model", kSprat.string(), "--threads", "1", "--seed", "1"};
  if (std::find(more.begin(), more.end(), "-n") == more.end()) arguments.insert(arguments.end(), {"-n", "30"});
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

Ran run(const Arguments& more, const std::string& input = "", const Environment& environment = {}) {
  return run_program(generate(more), input, environment);
}

nlohmann::json run_json(Arguments more, const std::string& input = "") {
  more.emplace_back("--json");
  const Ran ran = run(more, input);
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  return nlohmann::json::parse(ran.out);
}

void expect_fails(const Ran& ran, int exit_code, const std::vector<std::string>& parts) {
  EXPECT_EQ(ran.exit_code, exit_code) << ran.err;
  for (const std::string& part : parts)
    EXPECT_NE(ran.err.find(part), std::string::npos) << ran.err << " has no " << part;
  EXPECT_EQ(ran.out, "");
}

const std::string kText = "In the beginning";

TEST(GenerateCommand, TheTextIsTheSameWhateverTheMachineDoes) {
  const Ran first = run({"--prompt", kText});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_GT(first.out.size(), 10U);
  EXPECT_EQ(first.err, "");
  for (const Arguments& more : {Arguments{}, Arguments{"--batch-tokens", "1"}, Arguments{"--batch-tokens", "3"}}) {
    Arguments arguments{"--prompt", kText};
    arguments.insert(arguments.end(), more.begin(), more.end());
    EXPECT_EQ(run(arguments).out, first.out);
  }
  for (const char* threads : {"2", "3"})
    EXPECT_EQ(run_program({"generate", "--model", kSprat.string(), "--threads", threads, "--seed", "1", "-n", "30",
                           "--prompt", kText})
                  .out,
              first.out);
  EXPECT_NE(run_program({"generate", "--model", kSprat.string(), "--threads", "1", "--seed", "2", "-n", "30",
                         "--prompt", kText})
                .out,
            first.out)
      << "another seed";
}

TEST(GenerateCommand, ThePromptComesFromAFlagAFileOrStandardInput) {
  const TemporaryFolder folder;
  const std::string file = (folder.path() / "prompt.txt").string();
  std::ofstream(file, std::ios::binary) << kText;
  const std::string expected = run({"--prompt", kText}).out;
  EXPECT_EQ(run({file}).out, expected);
  EXPECT_EQ(run({"-"}, kText).out, expected);
  EXPECT_EQ(run({}, kText).out, expected);
  EXPECT_NE(run({}, kText + "\n").out, expected) << "the prompt is taken as it is";
}

TEST(GenerateCommand, TheJsonHasEveryField) {
  const auto json = run_json({"--prompt", kText});
  EXPECT_EQ(json["text"].get<std::string>() + "\n", run({"--prompt", kText}).out);
  EXPECT_EQ(json["finish_reason"], "length");
  EXPECT_EQ(json["stop_string"], "");
  EXPECT_EQ(json["seed"], 1);
  EXPECT_EQ(json["token_ids"].size(), 30U);
  const auto& usage = json["usage"];
  EXPECT_EQ(usage["completion_tokens"], 30);
  EXPECT_EQ(usage["total_tokens"].get<int>(), usage["prompt_tokens"].get<int>() + 30);
  EXPECT_GE(json["seconds"]["total"].get<double>(), json["seconds"]["first_token"].get<double>());
  EXPECT_FALSE(json.contains("logprobs"));
}

TEST(GenerateCommand, LogprobsGoWithTheTokens) {
  const auto json = run_json({"--prompt", kText, "--logprobs", "3"});
  ASSERT_EQ(json["logprobs"].size(), 30U);
  for (std::size_t index = 0; index < 30; ++index) {
    const auto& token = json["logprobs"][index];
    EXPECT_EQ(token["id"], json["token_ids"][index]);
    EXPECT_LE(token["logprob"].get<double>(), 0.0);
    ASSERT_EQ(token["top_logprobs"].size(), 3U);
    EXPECT_GE(token["top_logprobs"][0]["logprob"].get<double>(), token["logprob"].get<double>());
    EXPECT_GE(token["top_logprobs"][0]["logprob"].get<double>(), token["top_logprobs"][1]["logprob"].get<double>());
    EXPECT_FALSE(token["bytes"].empty());
  }
  EXPECT_EQ(run_json({"--prompt", kText, "--logprobs", "0"})["logprobs"][0]["top_logprobs"].size(), 0U);
}

TEST(GenerateCommand, LogprobsMakeATableBehindTheText) {
  const Ran plain = run({"--prompt", kText});
  const Ran ran = run({"--prompt", kText, "--logprobs", "1"});
  ASSERT_TRUE(ran.out.starts_with(plain.out)) << ran.out;
  std::istringstream table(ran.out.substr(plain.out.size()));
  int rows = 0;
  for (std::string line; std::getline(table, line); ++rows)
    EXPECT_TRUE(std::regex_match(line, std::regex(R"re( *-\d+\.\d{4}  ".*" *  ".*" -\d+\.\d{4})re"))) << line;
  EXPECT_EQ(rows, 30);
}

TEST(GenerateCommand, GreedyNeedsNoSeed) {
  const Arguments arguments{"generate", "--model", kSprat.string(), "--threads", "1", "-t", "0", "-n", "20",
                            "-p",       kText};
  EXPECT_EQ(run_program(arguments).out, run_program(arguments).out);
  const auto logprobs = run_json({"-t", "0", "--prompt", kText, "--logprobs", "1"})["logprobs"];
  for (const auto& token : logprobs) EXPECT_EQ(token["id"], token["top_logprobs"][0]["id"]);
}

TEST(GenerateCommand, StopStringsCutTheText) {
  const std::string whole = run_json({"--prompt", kText})["text"];
  const std::string stop = whole.substr(whole.size() / 2, 5);
  const auto json = run_json({"--prompt", kText, "--stop", "@@@", "--stop", stop});
  EXPECT_EQ(json["text"], whole.substr(0, whole.find(stop)));
  EXPECT_EQ(json["finish_reason"], "stop");
  EXPECT_EQ(json["stop_string"], stop);
  EXPECT_EQ(run({"--prompt", kText, "--stop", stop}).out, whole.substr(0, whole.find(stop)) + "\n");
}

TEST(GenerateCommand, TheAnswerEndsAtItsLimit) {
  for (const int limit : {1, 2, 17}) {
    const auto json = run_json({"--prompt", kText, "-n", std::to_string(limit)});
    EXPECT_EQ(json["token_ids"].size(), static_cast<std::size_t>(limit));
    EXPECT_EQ(json["finish_reason"], "length");
  }
}

TEST(GenerateCommand, AnEmptyPromptIsTheBeginningOfASentence) {
  for (const auto& json : {run_json({"--prompt", ""}), run_json({}, "")}) EXPECT_EQ(json["usage"]["prompt_tokens"], 1);
  expect_fails(run({"--prompt", "", "--no-bos"}), 1, {"prompt has no tokens"});
  const auto with = run_json({"--prompt", kText})["usage"]["prompt_tokens"].get<int>();
  const auto without = run_json({"--prompt", kText, "--no-bos"})["usage"]["prompt_tokens"].get<int>();
  EXPECT_EQ(with, without + 1);
}

TEST(GenerateCommand, AnyBytesAreAPrompt) {
  const auto json = run_json({}, std::string("\xFF\xFE\0\x80 \xE4\xBD", 7));
  EXPECT_EQ(json["token_ids"].size(), 30U);
}

// A model's vocabulary may be padded beyond its tokenizer: sprat's has 1536 rows, its tokenizer 1531 ids.
TEST(GenerateCommand, OnlyIdsOfTheTokenizerAreSampled) {
  const Ran ran = run({"--prompt", kText, "-t", "100", "-n", "3000"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
}

TEST(GenerateCommand, StatsGoToStandardError) {
  const Ran ran = run({"--prompt", kText, "--stats"});
  EXPECT_NE(ran.err.find("30 tokens in"), std::string::npos) << ran.err;
  EXPECT_EQ(ran.out, run({"--prompt", kText}).out);
}

TEST(GenerateCommand, TheCachesStorageIsChosen) {
  for (const char* cache : {"released", "float32"})
    EXPECT_EQ(run({"--prompt", kText, "--cache", cache}).exit_code, 0) << cache;
}

TEST(GenerateCommand, FlagsMayStandInTheEnvironment) {
  const Ran ran = run_program({"generate", "-p", kText, "-n", "3", "--seed", "1"}, "",
                              {{"FATHOM_MODEL", kSprat.string()}, {"FATHOM_THREADS", "1"}});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
}

TEST(GenerateCommand, WhatIsMissingIsNamed) {
  const auto with_model = [](const std::string& model) {
    return run_program({"generate", "--model", model, "--prompt", "x"});
  };
  expect_fails(with_model("/no/such/model"), 1, {"/no/such/model"});
  ModelCopy copy(kSprat);
  copy.remove("tokenizer.json");
  expect_fails(with_model(copy.path().string()), 1, {"tokenizer.json", copy.path().string()});
  copy.remove("model.safetensors");
  expect_fails(with_model(copy.path().string()), 1, {copy.path().string()});
  expect_fails(run({"/no/such/prompt.txt"}), 1, {"/no/such/prompt.txt"});
}

TEST(GenerateCommand, ADamagedModelIsAnInputError) {
  ModelCopy copy(kSprat);
  copy.write("model.safetensors", text_of(kSprat / "model.safetensors").substr(0, 2000000));
  expect_fails(run_program({"generate", "--model", copy.path().string(), "--prompt", "x"}), 1, {"model.safetensors"});
}

TEST(GenerateCommand, BadUsageExitsWithTwo) {
  for (const Arguments& wrong : {Arguments{"--nonsense"}, Arguments{"--cache", "fp8"}, Arguments{"--threads", "x"},
                                 Arguments{"--logprobs", "21"}, Arguments{"--backend", "gpu"}, Arguments{"a", "b"},
                                 Arguments{"--batch-tokens", "0"}}) {
    const Ran ran = run(wrong);
    EXPECT_EQ(ran.exit_code, 2) << wrong.front() << ": " << ran.err;
    EXPECT_NE(ran.out.size() + ran.err.size(), 0U);
  }
  EXPECT_EQ(run_program({"generate", "--prompt", "x"}).exit_code, 2) << "no model";
}

TEST(GenerateCommand, FiguresOutOfRangeAreNamed) {
  expect_fails(run({"-p", "x", "--temperature", "-1"}), 1, {"temperature", "-1"});
  expect_fails(run({"-p", "x", "--top-p", "1.5"}), 1, {"top_p", "1.5"});
  expect_fails(run({"-p", "x", "-n", "0"}), 1, {"max_tokens"});
}

TEST(GenerateCommand, HelpShowsExamples) {
  const Ran ran = run_program({"generate", "--help"});
  EXPECT_EQ(ran.exit_code, 0);
  for (const char* part : {"--model", "--prompt", "--stop", "--seed", "fathom generate --model"})
    EXPECT_NE(ran.out.find(part), std::string::npos) << part;
}

}  // namespace
}  // namespace fathom::testing
