// For tests of what is kept: random conversations that branch, come again and go on, each with the answer of an engine
// that keeps nothing, and the comparison to the byte.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "fathom/engine/engine.h"

namespace fathom::testing {

// Lets come what a hash of the text so far says: of all tokens every other one, a few, or a single one. With stretches
// where it does not narrow.
class HashedConstraint final : public TokenConstraint {
 public:
  HashedConstraint(std::uint64_t seed, std::int64_t vocab) : at_(seed), vocab_(vocab) {}

  bool narrows() const override { return at_ % 5 != 0; }
  void allowed(std::span<std::uint32_t> mask) override {
    std::fill(mask.begin(), mask.end(), 0U);
    const std::uint64_t step = at_ % 5 == 1 ? static_cast<std::uint64_t>(vocab_) : at_ % 5 == 2 ? 37 : 2;
    for (std::uint64_t token = at_ / 5 % step % static_cast<std::uint64_t>(vocab_);
         token < static_cast<std::uint64_t>(vocab_); token += step)
      mask[token / 32] |= 1U << (token % 32);
  }
  void accept(std::int32_t token) override {
    at_ = (at_ ^ static_cast<std::uint64_t>(token)) * 0x9e3779b97f4a7c15ULL;
    at_ ^= at_ >> 29;
  }
  bool begin_guess() override {
    before_guess_ = at_;
    return true;
  }
  void end_guess() override { at_ = before_guess_; }

 private:
  std::uint64_t at_;
  std::uint64_t before_guess_ = 0;
  std::int64_t vocab_;
};

struct Asked {
  GenerationRequest request;
  std::uint64_t narrowed = 0;    // the seed of its constraint; 0: none
  std::vector<TokenEvent> cold;  // answered alone, by an engine that keeps nothing
};

struct RequestSizes {
  std::int64_t longest = 260;       // of prompts
  std::int64_t again_of_eight = 7;  // so many are asked again as they were, and cost no cold answer
  std::int64_t most_answered = 0;   // tokens; 0: few of most and 30 of some
  bool mixed = false;               // constraints, stop tokens, top-p and top-k too
};

class RandomRequests {
 public:
  RandomRequests(Transformer& transformer, std::uint64_t seed, const RequestSizes& sizes = {})
      : transformer_(transformer), random_(seed), sizes_(sizes) {}

  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  const Asked& operator[](std::size_t index) const { return asked_[index]; }
  std::size_t size() const { return asked_.size(); }
  // To submit: a constraint serves one answer.
  GenerationRequest ready(const Asked& asked) const {
    GenerationRequest request = asked.request;
    if (asked.narrowed != 0)
      request.constraint = std::make_shared<HashedConstraint>(asked.narrowed, transformer_.config().vocab);
    return request;
  }
  // Its index.
  std::size_t next() {
    if (!asked_.empty() && between(0, 7) < sizes_.again_of_eight) return earlier();
    asked_.push_back(make());
    return asked_.size() - 1;
  }

 private:
  std::vector<std::int32_t> ids(std::int64_t count) {
    std::vector<std::int32_t> ids;
    while (std::ssize(ids) < count)
      ids.push_back(static_cast<std::int32_t>(between(0, transformer_.config().vocab - 1)));
    return ids;
  }
  // Any, or one of the last.
  std::size_t earlier() {
    const auto last = std::ssize(asked_) - 1;
    return static_cast<std::size_t>(between(between(0, 1) == 0 ? 0 : std::max<std::int64_t>(last - 7, 0), last));
  }
  // A new text, the beginning of an earlier request with another end, or its answer with a further turn.
  Asked make() {
    Asked asked;
    GenerationRequest& request = asked.request;
    request.cache_scope = std::string(static_cast<std::size_t>(between(0, 5) / 5), 'u');
    const auto kind = asked_.empty() ? 0 : between(0, 7);
    if (kind > 0) {
      const Asked& before = asked_[earlier()];
      request.prompt = before.request.prompt;
      if (between(0, 3) > 0) request.cache_scope = before.request.cache_scope;
      if (kind > 5) {
        request.prompt.resize(static_cast<std::size_t>(between(1, std::ssize(request.prompt))));
      } else if (kind > 1) {
        for (const TokenEvent& event : before.cold) request.prompt.push_back(event.token.token);
      }
      if (kind > 1)
        for (const std::int32_t id : ids(between(1, 12))) request.prompt.push_back(id);
    }
    if (kind == 0 || std::ssize(request.prompt) > sizes_.longest)
      request.prompt = ids(between(0, 3) == 0 ? sizes_.longest * 2 / 3 : between(1, 50));
    // Wishes change no answer. Without another random number: what comes next stays.
    const std::int64_t length = std::ssize(request.prompt);
    if (asked_.size() % 3 == 0) request.snapshot_at = {(length + 1) / 2, length};
    SamplingParams& sampling = request.sampling;
    sampling.temperature = between(0, 1) == 0 ? 0.0 : 0.9;
    sampling.seed = static_cast<std::uint64_t>(between(0, 1000));
    sampling.max_tokens = between(0, 15) == 0 ? 30 : between(1, 3);
    if (sizes_.most_answered > 0) sampling.max_tokens = between(1, sizes_.most_answered);
    sampling.top_logprobs = 2;
    if (sizes_.mixed) mix(asked);
    Engine alone(transformer_, {});
    alone.submit(ready(asked));
    while (!alone.idle())
      for (TokenEvent& event : alone.step()) asked.cold.push_back(std::move(event));
    return asked;
  }

  void mix(Asked& asked) {
    SamplingParams& sampling = asked.request.sampling;
    if (between(0, 2) == 0) asked.narrowed = static_cast<std::uint64_t>(between(1, 1 << 30));
    if (between(0, 2) == 0) sampling.top_p = 0.8;
    if (between(0, 3) == 0) sampling.top_k = 5;
    if (between(0, 3) == 0) sampling.top_logprobs = -1;
    if (between(0, 1) == 0)
      for (const std::int32_t id : ids(3)) sampling.stop_tokens.push_back(id);
  }

  Transformer& transformer_;
  std::mt19937_64 random_;
  RequestSizes sizes_;
  std::deque<Asked> asked_;
};

inline void expect_equal(const TokenEvent& found, const TokenEvent& expected, const std::string& where) {
  ASSERT_EQ(found.token.token, expected.token.token) << where;
  ASSERT_EQ(std::memcmp(&found.token.logprob, &expected.token.logprob, sizeof(float)), 0) << where;
  ASSERT_EQ(found.finish, expected.finish) << where << ": " << found.fault;
  ASSERT_EQ(found.token.top_logprobs.size(), expected.token.top_logprobs.size()) << where;
  for (std::size_t rank = 0; rank < expected.token.top_logprobs.size(); ++rank) {
    ASSERT_EQ(found.token.top_logprobs[rank].token, expected.token.top_logprobs[rank].token) << where;
    ASSERT_EQ(std::memcmp(&found.token.top_logprobs[rank].logprob, &expected.token.top_logprobs[rank].logprob, 4), 0)
        << where;
  }
}

// What runs in an engine, held to the cold answers.
class Comparison {
 public:
  explicit Comparison(const RandomRequests& requests) : requests_(requests) {}

  void submit(Engine& engine, std::size_t index) {
    running_[engine.submit(requests_.ready(requests_[index]))] = {index, 0};
  }
  void cancel_oldest(Engine& engine) {
    if (running_.empty()) return;
    const auto& [id, state] = *running_.begin();
    const auto given = static_cast<std::int64_t>(state.second);
    // Two in three are known to their clients in part alone: but for a few tokens, or half of them.
    const auto index = static_cast<std::int64_t>(state.first);
    const std::int64_t known = index % 3 == 1 ? std::max<std::int64_t>(0, given - index % 8) : given / 2;
    engine.cancel(id, index % 3 == 0 ? kAllAnswered : known);
    running_.erase(running_.begin());
  }
  // The engine is gone, with what ran.
  void forget() { running_.clear(); }
  std::size_t running() const { return running_.size(); }

  // `faults`: the machine may end a sequence, and what it gave before is right.
  void step(Engine& engine, bool faults = false) {
    for (const TokenEvent& event : engine.step()) {
      auto& [index, count] = running_.at(event.sequence);
      const Asked& asked = requests_[index];
      if (faults && event.finish == FinishReason::overloaded) {
        ++faulty;
        running_.erase(event.sequence);
        continue;
      }
      ASSERT_LT(count, asked.cold.size());
      ASSERT_NO_FATAL_FAILURE(
          expect_equal(event, asked.cold[count], fmt::format("request {}, token {}", index, count)));
      ASSERT_LT(event.cached_tokens, std::ssize(asked.request.prompt));
      if (++count == 1 && event.cached_tokens > 0) {
        ++hits;
        cached += event.cached_tokens;
        least_cached = std::min(least_cached, event.cached_tokens);
      }
      if (event.finish == FinishReason::none) continue;
      running_.erase(event.sequence);
      ++answered;
    }
  }
  void finish(Engine& engine, bool faults = false) {
    while (!engine.idle()) ASSERT_NO_FATAL_FAILURE(step(engine, faults));
  }

  int answered = 0;
  int hits = 0;
  int faulty = 0;
  std::int64_t cached = 0;
  std::int64_t least_cached = std::numeric_limits<std::int64_t>::max();

 private:
  const RandomRequests& requests_;
  std::map<SequenceId, std::pair<std::size_t, std::size_t>> running_;  // which was asked, and events so far
};

}  // namespace fathom::testing
