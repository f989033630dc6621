#include "fathom/apps/generation.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <csignal>

#include "tests/apps/model_copy_support.h"
#include "tests/apps/program_support.h"

namespace fathom::testing {
namespace {

class GenerationTest : public ::testing::Test {
 protected:
  static ModelOptions model_options() {
    ModelOptions options;
    options.directory = kSprat.string();
    options.backend.threads = 1;
    options.engine.max_batch_tokens = 16;
    return options;
  }
  // An answer of many tokens: this seed's has no end-of-sentence among its first 60.
  GenerationOptions options(std::int64_t max_tokens = 40) {
    GenerationOptions result;
    result.sampling.max_tokens = max_tokens;
    result.sampling.seed = 1;
    return result;
  }
  Generation run(const GenerationOptions& options, std::int64_t prompt_tokens = 5) {
    shown_.clear();
    progress_.clear();
    std::vector<std::int32_t> prompt;
    for (std::int64_t token = 0; token < prompt_tokens; ++token)
      prompt.push_back(static_cast<std::int32_t>(10 + token % 50));
    GenerationListener listener;
    listener.text = [&](std::string_view text) { shown_ += text; };
    listener.progress = [&](std::int64_t read, std::int64_t total) { progress_.emplace_back(read, total); };
    return generate(session_, prompt, options, interrupt_, listener);
  }

  ModelSession session_{model_options()};
  Interrupt interrupt_;
  std::string shown_;
  std::vector<std::pair<std::int64_t, std::int64_t>> progress_;
};

TEST_F(GenerationTest, TheTextIsThatOfItsTokens) {
  const Generation result = run(options());
  ASSERT_EQ(result.finish, "length");
  ASSERT_EQ(result.tokens.size(), 40U);
  EXPECT_EQ(result.prompt_tokens, 5);
  EXPECT_EQ(result.stop_string, "");
  StreamDecoder decoder(session_.tokenizer());
  std::string text;
  for (const SampledToken& token : result.tokens) text += decoder.push(token.token);
  EXPECT_EQ(result.text, text + decoder.finish());
  EXPECT_EQ(shown_, result.text) << "the pieces make the whole";
  EXPECT_GE(result.seconds, result.first_token_seconds);
  EXPECT_TRUE(session_.engine().idle());
}

TEST_F(GenerationTest, AStopTokenEndsIt) {
  const Generation whole = run(options());
  GenerationOptions stopping = options();
  stopping.sampling.stop_tokens = {whole.tokens[7].token};
  const Generation result = run(stopping);
  EXPECT_EQ(result.finish, "stop");
  EXPECT_EQ(result.tokens.back().token, whole.tokens[7].token);
  EXPECT_LE(result.tokens.size(), 8U);
}

TEST_F(GenerationTest, AStopStringCutsTheTextAndTheEngineForgetsTheSequence) {
  const Generation whole = run(options());
  const std::string stop = whole.text.substr(whole.text.size() / 2, 4);
  GenerationOptions stopping = options();
  stopping.stop = {"never said", stop};
  const Generation result = run(stopping);
  EXPECT_EQ(result.finish, "stop");
  EXPECT_EQ(result.stop_string, stop);
  EXPECT_EQ(result.text, whole.text.substr(0, whole.text.find(stop)));
  EXPECT_EQ(shown_, result.text);
  EXPECT_LT(result.tokens.size(), whole.tokens.size());
  EXPECT_TRUE(session_.engine().idle());
}

TEST_F(GenerationTest, AStopStringThatOnlyBeginsIsText) {
  const Generation whole = run(options());
  GenerationOptions stopping = options();
  stopping.stop = {whole.text.substr(whole.text.size() - 3) + "but more"};
  EXPECT_EQ(run(stopping).text, whole.text);
}

TEST_F(GenerationTest, ALongPromptReportsItsProgress) {
  const Generation result = run(options(2), 50);
  EXPECT_EQ(result.prompt_tokens, 50);
  ASSERT_GE(progress_.size(), 4U);
  EXPECT_EQ(progress_[0], (std::pair<std::int64_t, std::int64_t>{16, 50}));
  EXPECT_EQ(progress_[1], (std::pair<std::int64_t, std::int64_t>{32, 50}));
  EXPECT_EQ(progress_[2], (std::pair<std::int64_t, std::int64_t>{48, 50}));
}

TEST_F(GenerationTest, AnInterruptEndsItWithWhatThereIs) {
  interrupt_.clear();
  std::string shown;
  GenerationListener listener;
  int pieces = 0;
  listener.text = [&](std::string_view text) {
    shown += text;
    if (++pieces == 3) std::raise(SIGINT);
  };
  const Generation result = generate(session_, {10, 11, 12}, options(1000), interrupt_, listener);
  EXPECT_EQ(result.finish, "interrupted");
  EXPECT_LT(result.tokens.size(), 100U);
  EXPECT_EQ(result.text, shown);
  EXPECT_TRUE(session_.engine().idle());
  const Generation none = generate(session_, {10, 11, 12}, options(1000), interrupt_, {});
  EXPECT_EQ(none.finish, "interrupted") << "until the question is answered";
  EXPECT_TRUE(none.tokens.empty());
}

TEST_F(GenerationTest, AFaultyRequestLeavesTheEngineIdle) {
  EXPECT_THROW(generate(session_, {}, options(), interrupt_, {}), InputError);
  EXPECT_THROW(generate(session_, {1, 99999}, options(), interrupt_, {}), InputError);
  EXPECT_TRUE(session_.engine().idle());
  EXPECT_EQ(run(options()).finish, "length");
}

// An answer that an exception ended must not go on inside the engine and mix its tokens into the next one.
TEST_F(GenerationTest, AFailedAnswerDoesNotHauntTheNext) {
  const Generation expected = run(options());
  GenerationListener failing;
  failing.text = [pieces = 0](std::string_view) mutable {
    if (++pieces == 3) throw InputError("[test] enough");
  };
  EXPECT_THROW(generate(session_, {10, 11, 12}, options(), interrupt_, failing), InputError);
  EXPECT_TRUE(session_.engine().idle());
  EXPECT_EQ(run(options()).text, expected.text);
}

TEST_F(GenerationTest, EndOfSentenceIsAlwaysAStop) {
  GenerationOptions long_one = options(300);
  for (long_one.sampling.seed = 0; long_one.sampling.seed < 30; ++long_one.sampling.seed) {
    const Generation result = run(long_one);
    if (result.finish != "stop") continue;
    EXPECT_EQ(result.tokens.back().token, session_.config().eos_token);
    EXPECT_EQ(result.text.find(std::string(session_.tokenizer().piece(result.tokens.back().token))), std::string::npos);
    return;
  }
  GTEST_SKIP() << "no answer ended by itself";
}

GenerationOptions parsed(std::vector<std::string> arguments) {
  CLI::App command;
  GenerationOptions options;
  add_generation_options(command, options);
  std::reverse(arguments.begin(), arguments.end());
  command.parse(arguments);
  settle(options, command);
  return options;
}

TEST(GenerationOptions, AreReadFromFlags) {
  const GenerationOptions options =
      parsed({"-t", "0.5", "--top-p", "0.9", "--top-k", "7", "--min-p", "0.1", "--seed", "18446744073709551615", "-n",
              "12", "--stop", "a", "--stop", "b c", "--stop", ""});
  EXPECT_EQ(options.sampling.temperature, 0.5);
  EXPECT_EQ(options.sampling.top_p, 0.9);
  EXPECT_EQ(options.sampling.top_k, 7);
  EXPECT_EQ(options.sampling.min_p, 0.1);
  EXPECT_EQ(options.sampling.seed, ~std::uint64_t{0});
  EXPECT_EQ(options.sampling.max_tokens, 12);
  EXPECT_EQ(options.stop, (std::vector<std::string>{"a", "b c", ""}));
}

TEST(GenerationOptions, ASeedIsDrawnWhereNoneIsGiven) {
  const std::uint64_t first = parsed({}).sampling.seed;
  bool differs = false;
  for (int draw = 0; draw < 5; ++draw) differs = differs || parsed({}).sampling.seed != first;
  EXPECT_TRUE(differs);
  EXPECT_EQ(parsed({"--seed", "0"}).sampling.seed, 0U);
}

TEST(GenerationOptions, FiguresThatCannotBeAreNamed) {
  try {
    parsed({"--temperature", "-1"});
    FAIL() << "a temperature below 0 passed";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("temperature"), std::string::npos);
  }
  EXPECT_THROW(parsed({"--max-tokens", "0"}), InputError);
  for (const char* seed : {"x", "-1", "1.5", "18446744073709551616", ""})
    EXPECT_THROW(parsed({"--seed", seed}), CLI::ParseError) << seed;
  EXPECT_THROW(parsed({"--top-k", "x"}), CLI::ParseError);
}

}  // namespace
}  // namespace fathom::testing
