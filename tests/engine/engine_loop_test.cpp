#include "fathom/engine/engine_loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <random>

#include "fathom/backends/cpu/cpu_backend.h"
#include "tests/model/small_model.h"

namespace fathom::testing {
namespace {

using namespace std::chrono_literals;
using Ids = std::vector<std::int32_t>;

// What one request got; waits for its end.
class Sink final : public TokenSink {
 public:
  void on_progress(const PromptProgress& progress) override {
    const std::scoped_lock lock(mutex_);
    progress_.push_back(progress.read);
    found_ = progress.found;
    changed_.notify_all();
  }
  void on_token(const TokenEvent& event) override {
    const std::scoped_lock lock(mutex_);
    events_.push_back(event);
    changed_.notify_all();
  }
  FinishReason wait() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 60s, [this] { return !events_.empty() && events_.back().finish != FinishReason::none; });
    return events_.empty() ? FinishReason::none : events_.back().finish;
  }
  bool wait_for_tokens(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 60s, [&] { return events_.size() >= count; });
  }
  Ids tokens() const {
    const std::scoped_lock lock(mutex_);
    Ids ids;
    for (const TokenEvent& event : events_)
      if (event.finish != FinishReason::overloaded) ids.push_back(event.token.token);
    return ids;
  }
  std::vector<TokenEvent> events() const {
    const std::scoped_lock lock(mutex_);
    return events_;
  }
  std::int64_t found() const {
    const std::scoped_lock lock(mutex_);
    return found_;
  }
  std::vector<std::int64_t> progress() const {
    const std::scoped_lock lock(mutex_);
    return progress_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<TokenEvent> events_;
  std::vector<std::int64_t> progress_;
  std::int64_t found_ = 0;
};

// Holds the loop's thread inside a step until it is let go.
class Gate final : public TokenConstraint {
 public:
  bool narrows() const override { return false; }
  void allowed(std::span<std::uint32_t> /*mask*/) override {}
  void accept(std::int32_t /*token*/) override {
    std::unique_lock lock(mutex_);
    reached_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, 60s, [this] { return open_; });
  }
  void wait_until_reached() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 60s, [this] { return reached_; });
  }
  void open() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool reached_ = false;
  bool open_ = false;
};

class Faulty final : public TokenConstraint {
 public:
  bool narrows() const override { return false; }
  void allowed(std::span<std::uint32_t> /*mask*/) override {}
  void accept(std::int32_t /*token*/) override { throw InternalError("[test] token {} is one too many", 7); }
};

// The small model has 57 tokens and 300 positions.
class EngineLoopTest : public ::testing::Test {
 protected:
  static GenerationRequest request(Ids prompt, std::int64_t max_tokens = 5, std::string user = "") {
    GenerationRequest result{.prompt = std::move(prompt), .sampling = {}, .user = std::move(user)};
    result.sampling.max_tokens = max_tokens;
    result.sampling.seed = 3;
    return result;
  }
  static SequenceId id_of(const std::variant<SequenceId, Refusal>& taken) { return std::get<SequenceId>(taken); }
  Ids alone(const GenerationRequest& asked) {
    Engine engine(transformer_, {});
    engine.submit(asked);
    Ids ids;
    while (!engine.idle())
      for (const TokenEvent& event : engine.step()) ids.push_back(event.token.token);
    return ids;
  }

  const SmallModel model_{small_config()};
  CpuBackend backend_{{.threads = 1}};
  Transformer transformer_{model_.checkpoint(), backend_, {}};
};

TEST_F(EngineLoopTest, AnswersAreThoseOfTheBareEngine) {
  Engine engine(transformer_, {.max_batch_tokens = 40});
  EngineLoop loop(engine, {});
  std::vector<GenerationRequest> requests;
  std::vector<std::shared_ptr<Sink>> sinks;
  for (int index = 0; index < 12; ++index) {
    requests.push_back(request(Ids(static_cast<std::size_t>(1 + index * 17 % 90), index), 12));
    sinks.push_back(std::make_shared<Sink>());
    loop.submit(requests.back(), sinks.back());
  }
  for (const auto& sink : sinks) EXPECT_EQ(sink->wait(), FinishReason::length);
  for (std::size_t index = 0; index < requests.size(); ++index)
    EXPECT_EQ(sinks[index]->tokens(), alone(requests[index])) << index;
  const GeneratorLoad load = loop.load();
  EXPECT_EQ(load.running, 0);
  EXPECT_EQ(load.waiting, 0);
  EXPECT_EQ(load.sampled_tokens, 12 * 12);
  EXPECT_GT(load.steps, 12);
}

// Of 50 tokens of the prompt and one of the answer, two experts each.
TEST_F(EngineLoopTest, ChoicesOfExpertsAreThoseOfAllTokensRead) {
  Engine engine(transformer_, {.max_batch_tokens = 16});
  EngineLoop loop(engine, {});
  const auto sink = std::make_shared<Sink>();
  loop.submit(request(Ids(50, 9), 2), sink);
  sink->wait();
  const std::vector<BlockChoices> blocks = loop.expert_choices();
  ASSERT_EQ(blocks.size(), 5U);
  for (std::size_t block = 0; block < blocks.size(); ++block) {
    const std::vector<std::int64_t>& times = blocks[block].times;
    EXPECT_EQ(times.size(), 5U);
    EXPECT_EQ(std::accumulate(times.begin(), times.end(), std::int64_t{0}), block < 4 ? 51 * 2 : 0) << block;
    EXPECT_EQ(blocks[block].by_hash, block < 2) << block;
    EXPECT_EQ(blocks[block].mtp, block == 4) << block;
  }
  // A hashed layer sends the prompt's one token to the same two experts each time.
  EXPECT_EQ(std::ranges::count_if(blocks[0].times, [](std::int64_t times) { return times >= 50; }), 2);
}

TEST_F(EngineLoopTest, ProgressAscendsToTheWholePrompt) {
  Engine engine(transformer_, {.max_batch_tokens = 16});
  EngineLoop loop(engine, {});
  const auto sink = std::make_shared<Sink>();
  loop.submit(request(Ids(50, 9), 2), sink);
  sink->wait();
  EXPECT_EQ(sink->progress(), (std::vector<std::int64_t>{16, 32, 48, 50}));
}

TEST_F(EngineLoopTest, WhatWasFoundIsToldBeforeThePromptIsRead) {
  Engine engine(transformer_, {.max_batch_tokens = 16, .prefix = {.on = true, .minimum = 16}});
  EngineLoop loop(engine, {});
  const auto first = std::make_shared<Sink>();
  loop.submit(request(Ids(50, 9), 1), first);
  first->wait();
  EXPECT_EQ(first->found(), 0);
  Ids longer(50, 9);
  longer.resize(90, 8);
  const auto second = std::make_shared<Sink>();
  loop.submit(request(longer, 1), second);
  second->wait();
  EXPECT_EQ(second->found(), second->events().at(0).cached_tokens);
  EXPECT_GT(second->found(), 16);
  EXPECT_GT(second->progress().at(0), second->found());
  EXPECT_LT(second->progress().at(0), 90) << "told in between";
}

TEST_F(EngineLoopTest, FaultyRequestsAreRefusedWhereTheyAreSubmitted) {
  Engine engine(transformer_, {});
  EngineLoop loop(engine, {});
  EXPECT_THROW(loop.submit(request({}), std::make_shared<Sink>()), InputError);
  EXPECT_THROW(loop.submit(request({57}), std::make_shared<Sink>()), InputError);
  EXPECT_EQ(loop.load().waiting, 0);
}

TEST_F(EngineLoopTest, BeyondTheQueueIsRefusedWithTheFiguresAndATime) {
  Engine engine(transformer_, {.max_sequences = 2});
  EngineLoop loop(engine, {.queue_limit = 3});
  const auto gate = std::make_shared<Gate>();
  GenerationRequest held = request({1}, 2);
  held.constraint = gate;
  loop.submit(held, std::make_shared<Sink>());
  gate->wait_until_reached();
  std::vector<std::shared_ptr<Sink>> sinks;
  for (int index = 0; index < 4; ++index) {  // one place is free, three may wait
    sinks.push_back(std::make_shared<Sink>());
    ASSERT_TRUE(std::holds_alternative<SequenceId>(loop.submit(request({2}, 1), sinks.back()))) << index;
  }
  const auto refused = loop.submit(request({3}, 1), std::make_shared<Sink>());
  ASSERT_TRUE(std::holds_alternative<Refusal>(refused));
  EXPECT_EQ(std::get<Refusal>(refused).reason, Refusal::Reason::queue_full);
  EXPECT_NE(std::get<Refusal>(refused).message.find("3 requests wait for their turn, the limit is 3"),
            std::string::npos)
      << std::get<Refusal>(refused).message;
  EXPECT_GE(std::get<Refusal>(refused).retry_after_seconds, 1.0);
  gate->open();
  for (const auto& sink : sinks) EXPECT_EQ(sink->wait(), FinishReason::length);
  const auto again = std::make_shared<Sink>();
  ASSERT_TRUE(std::holds_alternative<SequenceId>(loop.submit(request({3}, 1), again)));
  EXPECT_EQ(again->wait(), FinishReason::length);
}

TEST_F(EngineLoopTest, OneUserHasOnlySoManyAtATime) {
  Engine engine(transformer_, {.max_sequences = 2});
  EngineLoop loop(engine, {.user_limit = 2});
  const auto gate = std::make_shared<Gate>();
  GenerationRequest held = request({1}, 2, "ada");
  held.constraint = gate;
  const auto first = std::make_shared<Sink>();
  loop.submit(held, first);
  gate->wait_until_reached();
  const auto second = std::make_shared<Sink>();
  const SequenceId id = id_of(loop.submit(request({2}, 1, "ada"), second));
  const auto refused = loop.submit(request({3}, 1, "ada"), std::make_shared<Sink>());
  ASSERT_TRUE(std::holds_alternative<Refusal>(refused));
  EXPECT_EQ(std::get<Refusal>(refused).reason, Refusal::Reason::user_limit);
  EXPECT_TRUE(std::holds_alternative<SequenceId>(loop.submit(request({3}, 1, "ben"), std::make_shared<Sink>())));
  for (int index = 0; index < 5; ++index)
    EXPECT_TRUE(std::holds_alternative<SequenceId>(loop.submit(request({3}, 1), std::make_shared<Sink>())))
        << "nobody's requests are nobody's";
  loop.cancel(id);
  EXPECT_TRUE(std::holds_alternative<SequenceId>(loop.submit(request({3}, 1, "ada"), std::make_shared<Sink>())));
  gate->open();
  first->wait();
}

TEST_F(EngineLoopTest, AnAccountHasOnlySoManyWhateverUsersItNames) {
  Engine engine(transformer_, {.max_sequences = 2});
  EngineLoop loop(engine, {.queue_limit = 20, .account_limit = 3});
  const auto of = [&](const std::string& account, const std::string& user) {
    GenerationRequest made = request({2}, 1, account + "/" + user);
    made.account = account;
    return made;
  };
  const auto gate = std::make_shared<Gate>();
  GenerationRequest held = of("red", "0");
  held.constraint = gate;
  const auto first = std::make_shared<Sink>();
  loop.submit(held, first);
  gate->wait_until_reached();
  const SequenceId id = id_of(loop.submit(of("red", "1"), std::make_shared<Sink>()));
  id_of(loop.submit(of("red", "2"), std::make_shared<Sink>()));
  for (const char* user : {"3", "4", ""}) {
    const auto refused = loop.submit(of("red", user), std::make_shared<Sink>());
    ASSERT_TRUE(std::holds_alternative<Refusal>(refused)) << user;
    EXPECT_EQ(std::get<Refusal>(refused).reason, Refusal::Reason::account_limit);
    EXPECT_NE(std::get<Refusal>(refused).message.find("3 requests of this account"), std::string::npos);
    EXPECT_GE(std::get<Refusal>(refused).retry_after_seconds, 1.0);
  }
  EXPECT_TRUE(std::holds_alternative<SequenceId>(loop.submit(of("blue", "1"), std::make_shared<Sink>())));
  loop.cancel(id);
  EXPECT_TRUE(std::holds_alternative<SequenceId>(loop.submit(of("red", "5"), std::make_shared<Sink>())));
  gate->open();
  first->wait();
}

TEST_F(EngineLoopTest, ACancelledSequenceIsGoneAtOnceAndItsSinkIsLetGo) {
  Engine engine(transformer_, {});
  EngineLoop loop(engine, {});
  auto sink = std::make_shared<Sink>();
  const SequenceId id = id_of(loop.submit(request({1, 2}, 250), sink));
  ASSERT_TRUE(sink->wait_for_tokens(3));
  loop.cancel(id);
  const auto count = sink->events().size();
  const std::weak_ptr<Sink> held = sink;
  sink.reset();
  EXPECT_TRUE(held.expired()) << "nothing else holds it, whether or not the loop runs again";
  EXPECT_LT(count, 250U);
  loop.cancel(id);
  loop.cancel(4711);
  const auto other = std::make_shared<Sink>();
  loop.submit(request({5}, 3), other);
  EXPECT_EQ(other->wait(), FinishReason::length);
  EXPECT_EQ(loop.load().running, 0);
}

TEST_F(EngineLoopTest, AFaultEndsTheSequenceItMeetsAndNoOther) {
  std::atomic<int> faults{0};
  Engine engine(transformer_, {});
  EngineLoop loop(engine, {.on_fault = [&](const std::string& fault) {
                    if (fault.find("one too many") != std::string::npos) ++faults;
                  }});
  const auto healthy = std::make_shared<Sink>();
  const GenerationRequest good = request({1, 2, 3}, 40);
  loop.submit(good, healthy);
  ASSERT_TRUE(healthy->wait_for_tokens(2));
  GenerationRequest bad = request({4}, 40);
  bad.constraint = std::make_shared<Faulty>();
  const auto failing = std::make_shared<Sink>();
  loop.submit(bad, failing);
  EXPECT_EQ(failing->wait(), FinishReason::overloaded);
  EXPECT_EQ(healthy->wait(), FinishReason::length);
  EXPECT_EQ(healthy->tokens(), alone(good));
  EXPECT_EQ(faults, 1);
}

TEST_F(EngineLoopTest, WhileDrainingNothingNewIsTakenAndWhatRunsEnds) {
  Engine engine(transformer_, {});
  EngineLoop loop(engine, {});
  const auto sink = std::make_shared<Sink>();
  loop.submit(request({1}, 100), sink);
  loop.drain();
  const auto refused = loop.submit(request({2}), std::make_shared<Sink>());
  ASSERT_TRUE(std::holds_alternative<Refusal>(refused));
  EXPECT_EQ(std::get<Refusal>(refused).reason, Refusal::Reason::draining);
  EXPECT_EQ(sink->wait(), FinishReason::length);
  EXPECT_EQ(sink->tokens().size(), 100U);
  EXPECT_TRUE(loop.load().draining);
}

TEST_F(EngineLoopTest, EndsWhileSequencesRun) {
  Engine engine(transformer_, {});
  const auto sink = std::make_shared<Sink>();
  {
    EngineLoop loop(engine, {});
    loop.submit(request({1}, 290), sink);
    sink->wait_for_tokens(1);
  }
  EXPECT_LT(sink->events().size(), 290U);
}

// Four threads submit, cancel and ask for the load at random; who was not cancelled gets what the bare engine gives.
TEST_F(EngineLoopTest, ManyThreadsAtOnce) {
  Engine engine(transformer_, {.max_batch_tokens = 24, .max_sequences = 5, .cache_bytes = 8 << 20});
  EngineLoop loop(engine, {.queue_limit = 8, .user_limit = 6});
  struct Kept {
    GenerationRequest asked;
    std::shared_ptr<Sink> sink;
  };
  std::mutex mutex;
  std::vector<Kept> kept;
  std::atomic<int> refused{0};
  const auto work = [&](int thread) {
    std::mt19937_64 random(static_cast<std::uint64_t>(thread));
    const auto below = [&](std::uint64_t count) { return static_cast<std::int64_t>(random() % count); };
    for (int index = 0; index < 40; ++index) {
      const GenerationRequest asked =
          request(Ids(static_cast<std::size_t>(1 + below(60)), static_cast<std::int32_t>(below(57))), 1 + below(20),
                  below(2) == 0 ? "" : "user " + std::to_string(below(3)));
      const auto sink = std::make_shared<Sink>();
      const auto taken = loop.submit(asked, sink);
      if (std::holds_alternative<Refusal>(taken)) {
        ++refused;
        std::this_thread::sleep_for(2ms);
        continue;
      }
      if (below(4) == 0) {
        loop.cancel(std::get<SequenceId>(taken));
      } else {
        const std::scoped_lock lock(mutex);
        kept.push_back({asked, sink});
      }
      EXPECT_LE(loop.load().running, 5);
    }
  };
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) threads.emplace_back(work, thread);
  for (std::thread& thread : threads) thread.join();
  ASSERT_FALSE(kept.empty());
  for (const Kept& one : kept) EXPECT_EQ(one.sink->wait(), FinishReason::length);
  while (loop.load().running + loop.load().waiting > 0) std::this_thread::yield();
  EXPECT_EQ(loop.load().cache_bytes, 0);
  for (const Kept& one : kept) EXPECT_EQ(one.sink->tokens(), alone(one.asked));
}

}  // namespace
}  // namespace fathom::testing
