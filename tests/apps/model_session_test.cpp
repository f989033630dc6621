#include "fathom/apps/model_session.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "tests/apps/model_copy_support.h"
#include "tests/apps/program_support.h"

namespace fathom::testing {
namespace {

ModelOptions options_of(const std::filesystem::path& directory) {
  ModelOptions options;
  options.directory = directory.string();
  options.backend.threads = 1;
  return options;
}

std::string error_of(const std::filesystem::path& directory) {
  try {
    const ModelSession session(options_of(directory));
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

void expect_parts(const std::string& error, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) EXPECT_NE(error.find(part), std::string::npos) << error << " has no " << part;
}

TEST(ModelSession, LoadsModelAndTokenizer) {
  ModelSession session(options_of(kSprat));
  EXPECT_EQ(session.config().layers, 4);
  EXPECT_LE(session.tokenizer().vocab(), session.config().vocab);
  EXPECT_TRUE(session.engine().idle());
}

TEST(ModelSession, AMissingDirectoryIsNamed) { expect_parts(error_of("/no/such/model"), {"/no/such/model"}); }

TEST(ModelSession, AMissingTokenizerIsNamed) {
  ModelCopy copy(kSprat);
  copy.remove("tokenizer.json");
  expect_parts(error_of(copy.path()), {"tokenizer.json", copy.path().string()});
}

TEST(ModelSession, ABrokenTokenizerIsNamed) {
  ModelCopy copy(kSprat);
  copy.write("tokenizer.json", "{\"model\": ");
  expect_parts(error_of(copy.path()), {"tokenizer.json"});
}

TEST(ModelSession, MissingPartsAreNamed) {
  for (const char* part : {"config.json", "model.safetensors"}) {
    ModelCopy copy(kSprat);
    copy.remove(part);
    EXPECT_NE(error_of(copy.path()), "") << part;
  }
}

// A tokenizer with more ids than the model has rows would make ids that the model cannot embed.
TEST(ModelSession, ATokenizerLargerThanTheModelIsRefusedWithBothSizes) {
  const ModelSession whole(options_of(kSprat));
  ModelConfig config = whole.config();
  config.vocab = 100;
  const SmallModel small(config);
  std::filesystem::copy_file(kSprat / "tokenizer.json", small.directory() / "tokenizer.json");
  expect_parts(error_of(small.directory()), {"100", std::to_string(whole.tokenizer().vocab() - 1)});
}

TEST(ModelSession, TheCacheIsKeptAsAsked) {
  for (const char* cache : {"released", "float32"}) {
    ModelOptions options = options_of(kSprat);
    options.cache = cache;
    ModelSession session(options);
    session.engine().submit({.prompt = {0, 5, 6}, .sampling = {}});
    EXPECT_EQ(session.engine().step().size(), 1U) << cache;
  }
}

// sprat's model has more rows than its tokenizer has ids.
TEST(ModelSession, OnlyIdsOfTheTokenizerAreSampled) {
  ModelSession session(options_of(kSprat));
  ASSERT_LT(session.tokenizer().vocab(), session.config().vocab);
  SamplingParams sampling;
  sampling.max_tokens = 1;
  sampling.top_logprobs = session.config().vocab;
  session.engine().submit({.prompt = {0, 5, 6}, .sampling = sampling});
  const auto events = session.engine().step();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(std::ssize(events.front().token.top_logprobs), session.tokenizer().vocab());
}

TEST(ModelOptions, AreReadFromFlags) {
  CLI::App command;
  ModelOptions options;
  add_model_options(command, options);
  std::vector<std::string> arguments{"--model", "here", "--cache", "float32", "--batch-tokens", "7", "--threads", "2"};
  std::reverse(arguments.begin(), arguments.end());
  command.parse(arguments);
  EXPECT_EQ(options.directory, "here");
  EXPECT_EQ(options.cache, "float32");
  EXPECT_EQ(options.engine.max_batch_tokens, 7);
  EXPECT_EQ(options.backend.threads, 2);
}

TEST(ModelOptions, AStepHasItsUsualTokensWhereNobodySays) {
  CLI::App command;
  ModelOptions options;
  add_model_options(command, options);
  std::vector<std::string> arguments{kSprat.string(), "--model"};
  command.parse(arguments);
  EXPECT_EQ(ModelSession(options).engine().config().max_batch_tokens, 512);
  options.engine.max_batch_tokens = 7;
  EXPECT_EQ(ModelSession(options).engine().config().max_batch_tokens, 7);
  EXPECT_EQ(usual_batch_tokens({.device = "cuda"}), 4096);
  EXPECT_EQ(usual_batch_tokens({.device = "cpu"}), 512);
}

TEST(ModelOptions, WhatCannotBeIsBadUsage) {
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
           {}, {"--model"}, {"--model", "m", "--cache", "fp8"}, {"--model", "m", "--batch-tokens", "0"}}) {
    CLI::App command;
    ModelOptions options;
    add_model_options(command, options);
    std::vector<std::string> arguments = wrong;
    std::reverse(arguments.begin(), arguments.end());
    EXPECT_THROW(command.parse(arguments), CLI::ParseError);
  }
}

}  // namespace
}  // namespace fathom::testing
