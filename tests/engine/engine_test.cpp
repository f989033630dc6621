#include "fathom/engine/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <random>

#include "tests/engine/engine_support.h"

namespace fathom::testing {
namespace {

TEST_F(EngineTest, FaultyRequestsAreRefusedByName) {
  Engine engine(transformer_, {});
  EXPECT_NE(error_of(engine, request({})).find("no tokens"), std::string::npos);
  for (const std::int32_t id : {57, -1}) {
    const std::string error = error_of(engine, request({1, id, 2}));
    EXPECT_NE(error.find(std::to_string(id)), std::string::npos) << error;
    EXPECT_NE(error.find("57"), std::string::npos) << error;
  }
  const std::string error = error_of(engine, request(Ids(300, 1)));
  EXPECT_NE(error.find("300"), std::string::npos) << error;
  GenerationRequest hot = request({1});
  hot.sampling.temperature = -1.0;
  EXPECT_NE(error_of(engine, hot).find("temperature"), std::string::npos);
  EXPECT_TRUE(engine.idle()) << "a refused request leaves nothing behind";
  EXPECT_TRUE(engine.step().empty());
}

TEST_F(EngineTest, ConfigsThatCannotBeAreRefused) {
  EXPECT_THROW(Engine(transformer_, {.max_batch_tokens = 0}), InputError);
  EXPECT_THROW(Engine(transformer_, {.max_sequences = 0}), InputError);
  EXPECT_THROW(Engine(transformer_, {.max_batch_tokens = -5}), InputError);
  EXPECT_THROW(Engine(transformer_, {.sampled_vocab = -1}), InputError);
  try {
    Engine(transformer_, {.sampled_vocab = 58});
    FAIL() << "the model has 57 tokens";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("58"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("57"), std::string::npos) << error.what();
  }
}

// What lies at and above sampled_vocab is never chosen, never listed and has no share of the probability.
TEST_F(EngineTest, OnlyIdsBelowTheSampledVocabularyAreThere) {
  constexpr std::int64_t kSampled = 5;
  Engine engine(transformer_, {.sampled_vocab = kSampled});
  for (const double temperature : {0.0, 1.0, 100.0}) {
    GenerationRequest asked = request({1, 50, 56}, 100);  // a prompt may hold any of the model's ids
    asked.sampling.temperature = temperature;
    asked.sampling.top_logprobs = 57;
    const SequenceId id = engine.submit(asked);
    const auto events = run(engine)[id];
    ASSERT_EQ(events.size(), 100U);
    for (const TokenEvent& event : events) {
      EXPECT_LT(event.token.token, kSampled);
      ASSERT_EQ(std::ssize(event.token.top_logprobs), kSampled);
      double sum = 0.0;
      for (const TokenLogprob& top : event.token.top_logprobs) {
        EXPECT_LT(top.token, kSampled);
        sum += std::exp(static_cast<double>(top.logprob));
      }
      EXPECT_NEAR(sum, 1.0, 1e-5);
      if (temperature == 0.0) {
        EXPECT_EQ(event.token.token, event.token.top_logprobs.front().token);
      }
    }
  }
}

TEST_F(EngineTest, WithoutALimitEveryIdOfTheModelIsThere) {
  Engine engine(transformer_, {});
  GenerationRequest asked = request({1}, 1);
  asked.sampling.top_logprobs = 1000;
  const SequenceId id = engine.submit(asked);
  EXPECT_EQ(run(engine)[id].front().token.top_logprobs.size(), 57U);
}

TEST_F(EngineTest, TheLastEventSaysWhy) {
  Engine engine(transformer_, {});
  const SequenceId id = engine.submit(request({1, 2, 3}, 4));
  const auto events = run(engine)[id];
  ASSERT_EQ(events.size(), 4U);
  for (std::size_t index = 0; index < 3; ++index) EXPECT_EQ(events[index].finish, FinishReason::none);
  EXPECT_EQ(events.back().finish, FinishReason::length);
}

TEST_F(EngineTest, AStopTokenEndsTheSequenceAndIsItsLast) {
  Engine engine(transformer_, {});
  const SequenceId first = engine.submit(request({1, 2, 3}, 20));
  const Ids free = tokens_of(run(engine)[first]);
  GenerationRequest stopped = request({1, 2, 3}, 20);
  stopped.sampling.stop_tokens = {free[6], 1000000};
  const SequenceId second = engine.submit(stopped);
  const auto events = run(engine)[second];
  const auto at = std::find(free.begin(), free.end(), free[6]) - free.begin();
  EXPECT_EQ(tokens_of(events), Ids(free.begin(), free.begin() + at + 1));
  EXPECT_EQ(events.back().finish, FinishReason::stop);
}

TEST_F(EngineTest, AStopTokenAtTheLimitIsAStop) {
  Engine engine(transformer_, {});
  const SequenceId first = engine.submit(request({4, 4}, 1));
  const Ids one = tokens_of(run(engine)[first]);
  GenerationRequest stopped = request({4, 4}, 1);
  stopped.sampling.stop_tokens = one;
  const SequenceId second = engine.submit(stopped);
  EXPECT_EQ(run(engine)[second].back().finish, FinishReason::stop);
}

TEST_F(EngineTest, AnswersEndWhereTheModelsPositionsEnd) {
  Engine engine(transformer_, {});
  const SequenceId longest = engine.submit(request(Ids(299, 7), 1000));
  const SequenceId shorter = engine.submit(request(Ids(290, 7), std::numeric_limits<std::int64_t>::max()));
  auto events = run(engine);
  EXPECT_EQ(events[longest].size(), 1U);
  EXPECT_EQ(events[shorter].size(), 10U);
  EXPECT_EQ(events[shorter].back().finish, FinishReason::length);
}

TEST_F(EngineTest, APromptLongerThanAStepIsReadInPieces) {
  Engine engine(transformer_, {.max_batch_tokens = 16});
  const SequenceId id = engine.submit(request(Ids(50, 9), 2));
  for (const std::int64_t read : {16, 32, 48}) {
    EXPECT_TRUE(engine.step().empty());
    EXPECT_EQ(engine.tokens_read(id), read);
  }
  EXPECT_EQ(engine.step().size(), 1U);
  EXPECT_EQ(engine.tokens_read(id), 50);
  EXPECT_EQ(engine.step().size(), 1U);
  EXPECT_TRUE(engine.idle());
  EXPECT_EQ(engine.tokens_read(id), 0) << "gone";
}

TEST_F(EngineTest, ALongPromptDelaysNoAnswer) {
  Engine engine(transformer_, {.max_batch_tokens = 8});
  const SequenceId talking = engine.submit(request({1, 2}, 50));
  ASSERT_EQ(engine.step().size(), 1U);
  const SequenceId reading = engine.submit(request(Ids(100, 5), 1));
  int steps = 0;
  for (bool answered = false; !answered; ++steps) {
    const auto events = engine.step();
    ASSERT_FALSE(events.empty());
    EXPECT_EQ(events.front().sequence, talking) << "every step carries its token";
    answered = events.back().sequence == reading;
  }
  EXPECT_EQ(steps, 15) << "7 tokens of the prompt a step";
}

TEST_F(EngineTest, NoMoreSequencesThanAllowedShareAStep) {
  Engine engine(transformer_, {.max_sequences = 3});
  for (int index = 0; index < 7; ++index) engine.submit(request({index}, 3));
  std::map<SequenceId, int> counts;
  while (!engine.idle()) {
    const auto events = engine.step();
    EXPECT_LE(events.size(), 3U);
    for (const TokenEvent& event : events) ++counts[event.sequence];
  }
  EXPECT_EQ(counts.size(), 7U);
  for (const auto& [id, count] : counts) EXPECT_EQ(count, 3) << "sequence " << id;
}

TEST_F(EngineTest, EventsComeInOrderOfSubmission) {
  Engine engine(transformer_, {});
  for (int index = 0; index < 6; ++index) {
    engine.submit(request(Ids(static_cast<std::size_t>(1 + index * 5 % 7), 3), 4));
    const auto events = engine.step();
    for (std::size_t event = 1; event < events.size(); ++event)
      EXPECT_LT(events[event - 1].sequence, events[event].sequence);
  }
}

TEST_F(EngineTest, ACancelledSequenceGivesNothingMore) {
  Engine engine(transformer_, {.max_batch_tokens = 10});
  const SequenceId prompt = engine.submit(request(Ids(40, 2), 5));
  EXPECT_TRUE(engine.step().empty());
  engine.cancel(prompt);  // in the middle of its prompt
  EXPECT_TRUE(engine.idle());
  EXPECT_TRUE(engine.step().empty());
  const SequenceId first = engine.submit(request({1, 2, 3}, 9));
  const SequenceId second = engine.submit(request({4, 5, 6}, 9));
  engine.step();
  engine.step();
  engine.cancel(first);  // in the middle of its answer
  engine.cancel(first);
  engine.cancel(12345);
  const auto rest = run(engine);
  EXPECT_FALSE(rest.contains(first));
  EXPECT_EQ(rest.at(second).size(), 7U);
  const SequenceId alone = engine.submit(request({4, 5, 6}, 9));
  const Ids expected = tokens_of(run(engine)[alone]);
  EXPECT_EQ(tokens_of(rest.at(second)), Ids(expected.begin() + 2, expected.end())) << "its company left no trace";
}

TEST_F(EngineTest, TheSeedAndThePositionMakeTheAnswer) {
  Engine engine(transformer_, {});
  const SequenceId first = engine.submit(request({8, 9}, 20));
  const SequenceId again = engine.submit(request({8, 9}, 20));
  GenerationRequest other = request({8, 9}, 20);
  other.sampling.seed = 4;
  const SequenceId differs = engine.submit(other);
  auto events = run(engine);
  EXPECT_EQ(tokens_of(events[first]), tokens_of(events[again]));
  EXPECT_NE(tokens_of(events[first]), tokens_of(events[differs]));
  // A prompt that already holds the answer's start goes on as the answer did: positions, not steps, draw the numbers.
  const Ids answer = tokens_of(events[first]);
  Ids longer{8, 9};
  longer.insert(longer.end(), answer.begin(), answer.begin() + 7);
  const SequenceId continued = engine.submit(request(longer, 13));
  EXPECT_EQ(tokens_of(run(engine)[continued]), Ids(answer.begin() + 7, answer.end()));
}

// Sequences with all kinds of prompts and parameters; each one's tokens and log-probabilities when it runs alone must
// be bit for bit those that it gets in company.
class EngineProperty : public ::testing::Test {
 protected:
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }

  GenerationRequest random_request() {
    GenerationRequest request;
    const std::int64_t length = between(0, 3) == 0 ? between(100, 180) : between(1, 20);
    for (std::int64_t token = 0; token < length; ++token)
      request.prompt.push_back(static_cast<std::int32_t>(between(0, transformer_.config().vocab - 1)));
    SamplingParams& sampling = request.sampling;
    sampling.temperature = between(0, 2) == 0 ? 0.0 : 0.9;
    sampling.top_k = between(0, 1) == 0 ? 0 : 20;
    sampling.top_p = between(0, 1) == 0 ? 1.0 : 0.8;
    sampling.min_p = between(0, 2) == 0 ? 0.02 : 0.0;
    sampling.seed = static_cast<std::uint64_t>(between(0, 1000000));
    sampling.max_tokens = between(1, 25);
    sampling.top_logprobs = between(-1, 3);
    if (between(0, 2) == 0)
      for (int index = 0; index < 30; ++index)
        sampling.stop_tokens.push_back(static_cast<std::int32_t>(between(0, 511)));
    return request;
  }

  std::mt19937_64 random_{31};
  CpuBackend backend_{{.threads = 1}};
  Transformer transformer_{
      std::make_shared<const Checkpoint>(Checkpoint::open(FATHOM_TEST_DATA "/tiny-flash")), backend_, {}};
};

void expect_same(const std::vector<TokenEvent>& found, const std::vector<TokenEvent>& expected,
                 const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (std::size_t index = 0; index < found.size(); ++index) {
    const SampledToken& one = found[index].token;
    const SampledToken& other = expected[index].token;
    ASSERT_EQ(one.token, other.token) << what << ", token " << index;
    ASSERT_EQ(std::memcmp(&one.logprob, &other.logprob, sizeof(float)), 0) << what << ", token " << index;
    ASSERT_EQ(found[index].finish, expected[index].finish) << what << ", token " << index;
    ASSERT_EQ(one.top_logprobs.size(), other.top_logprobs.size()) << what;
    for (std::size_t rank = 0; rank < one.top_logprobs.size(); ++rank) {
      ASSERT_EQ(one.top_logprobs[rank].token, other.top_logprobs[rank].token) << what << ", token " << index;
      ASSERT_EQ(std::memcmp(&one.top_logprobs[rank].logprob, &other.top_logprobs[rank].logprob, sizeof(float)), 0)
          << what << ", token " << index;
    }
  }
}

TEST_F(EngineProperty, CompanyChangesNothing) {
  std::vector<GenerationRequest> requests;
  std::vector<std::vector<TokenEvent>> alone;
  for (int index = 0; index < 14; ++index) {
    requests.push_back(random_request());
    Engine engine(transformer_, {});
    engine.submit(requests.back());
    alone.emplace_back();
    while (!engine.idle())
      for (TokenEvent& event : engine.step()) alone.back().push_back(std::move(event));
  }
  const EngineConfig configs[] = {{.max_batch_tokens = 1, .max_sequences = 2},
                                  {.max_batch_tokens = 37, .max_sequences = 3},
                                  {},
                                  {.max_batch_tokens = between(2, 300), .max_sequences = between(1, 20)}};
  for (const EngineConfig& config : configs) {
    Engine engine(transformer_, config);
    std::map<SequenceId, std::size_t> member;  // which request a sequence is
    std::vector<std::vector<TokenEvent>> found(requests.size());
    std::vector<std::size_t> order(requests.size());
    for (std::size_t index = 0; index < order.size(); ++index) order[index] = index;
    std::shuffle(order.begin(), order.end(), random_);
    if (config.max_batch_tokens == 1) order.resize(5);  // one token a step takes long
    for (std::size_t next = 0; next < order.size() || !engine.idle();) {
      while (next < order.size() && between(0, 3) == 0) {
        member[engine.submit(requests[order[next]])] = order[next];
        ++next;
      }
      std::int64_t tokens = 0;
      for (TokenEvent& event : engine.step()) {
        ++tokens;
        found[member.at(event.sequence)].push_back(std::move(event));
      }
      ASSERT_LE(tokens, std::min(config.max_batch_tokens, config.max_sequences));
    }
    for (const std::size_t index : order)
      expect_same(found[index], alone[index],
                  fmt::format("request {} with {} tokens a step, {} sequences", index, config.max_batch_tokens,
                              config.max_sequences));
  }
}

}  // namespace
}  // namespace fathom::testing
