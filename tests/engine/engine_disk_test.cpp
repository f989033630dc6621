// What an engine finds on disk after a restart, and what a disk, a kill and others' files can do to its answers:
// nothing.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/engine/engine_loop.h"
#include "tests/engine/random_requests_support.h"
#include "tests/model/small_model.h"
#include "tests/store/store_support.h"

namespace fathom::testing {
namespace {

using Ids = std::vector<std::int32_t>;

class EngineDiskTest : public ::testing::Test {
 protected:
  std::shared_ptr<store::BlobStore> open_store() {
    store::StoreOptions options = small_store(folder_, &heard_);
    options.limits.bytes = 64 << 20;
    options.limits.segment_bytes = 2 << 20;
    options.limits.queue_bytes = 32 << 20;
    return std::make_shared<store::BlobStore>(std::move(options));
  }
  EngineConfig config(const std::string& identity = "tiny") {
    return {.max_batch_tokens = 160,
            .prefix = {.on = true,
                       .minimum = 20,
                       .interval = 200,
                       .disk = {.store = open_store(), .identity = identity, .warn = heard_.listener()}}};
  }
  static Ids counting(std::int32_t count, std::int32_t step) {
    Ids ids;
    for (std::int32_t index = 0; index < count; ++index) ids.push_back(index * step % 500);
    return ids;
  }
  // The answer's tokens and log-probabilities, and what was cached.
  struct Answer {
    Ids tokens;
    std::vector<float> logprobs;
    std::int64_t cached = 0;
  };
  Answer ask(Engine& engine, const Ids& prompt, const std::string& scope = "") {
    GenerationRequest request{.prompt = prompt, .sampling = {}, .cache_scope = scope};
    request.sampling.max_tokens = 20;
    request.sampling.seed = 3;
    engine.submit(request);
    Answer answer;
    while (!engine.idle())
      for (const TokenEvent& event : engine.step()) {
        EXPECT_EQ(event.fault, "");
        answer.tokens.push_back(event.token.token);
        answer.logprobs.push_back(event.token.logprob);
        answer.cached = event.cached_tokens;
      }
    return answer;
  }
  // With the answer that a cold engine gives; how much was found.
  std::int64_t cached(const EngineConfig& config, const Ids& prompt, const std::string& scope = "",
                      Transformer* other = nullptr) {
    Transformer& transformer = other == nullptr ? transformer_ : *other;
    Engine cold(transformer, {});
    const Answer expected = ask(cold, prompt, scope);
    Engine engine(transformer, config);
    const Answer found = ask(engine, prompt, scope);
    EXPECT_EQ(found.tokens, expected.tokens);
    EXPECT_EQ(found.logprobs, expected.logprobs);
    EXPECT_EQ(engine.figures().disk_hits, found.cached > 0 ? 1 : 0);
    EXPECT_EQ(engine.figures().disk_tokens, found.cached);
    return found.cached;
  }
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> all;
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      if (entry.path().filename() != "lock") all.push_back(entry.path());
    return all;
  }

  const TemporaryDirectory directory_;
  std::filesystem::path folder_ = directory_ / "store";
  Heard heard_;
  CpuBackend backend_{{.threads = 1}};
  Transformer transformer_{std::make_shared<const Checkpoint>(Checkpoint::open(FATHOM_TEST_DATA "/tiny-flash")),
                           backend_,
                           {.rollback_tokens = 1}};
};

TEST_F(EngineDiskTest, YesterdaysConversationIsFound) {
  Ids prompt = counting(300, 7);
  EXPECT_EQ(cached(config(), prompt, "one"), 0);
  EXPECT_EQ(cached(config(), prompt, "one"), 299);
  EXPECT_EQ(cached(config(), prompt, "two"), 0) << "another account's";
  Engine engine(transformer_, config());
  const Answer answer = ask(engine, prompt, "one");
  EXPECT_EQ(answer.cached, 299);
  EXPECT_EQ(ask(engine, prompt, "one").cached, 299);
  EXPECT_EQ(engine.figures().disk_hits, 1) << "in memory from then on";
  prompt.insert(prompt.end(), answer.tokens.begin(), answer.tokens.end());
  prompt.push_back(3);
  EXPECT_EQ(ask(engine, prompt, "one").cached, 319) << "the last answered token was never read";
}

// What is forgone is read by the model: the same answer, and it is not looked for a second time.
TEST_F(EngineDiskTest, AForgoneLoadChangesNoAnswer) {
  const Ids prompt = counting(300, 7);
  cached(config(), prompt);
  EngineConfig forgoing = config();
  forgoing.prefix.disk.loads = PrefixLoads::never;
  Engine engine(transformer_, forgoing);
  Engine cold(transformer_, {});
  const Answer expected = ask(cold, prompt);
  const Answer found = ask(engine, prompt);
  EXPECT_EQ(found.cached, 0);
  EXPECT_EQ(found.tokens, expected.tokens);
  EXPECT_EQ(found.logprobs, expected.logprobs);
  EXPECT_EQ(engine.figures().disk_forgone, 1);
  EXPECT_EQ(forgoing.prefix.disk.store->figures().read_bytes, 0);
  EXPECT_EQ(ask(engine, prompt).cached, 299) << "in memory";
  EXPECT_EQ(engine.figures().disk_forgone, 1);
}

// By the clock either way may come; the answers are the same.
TEST_F(EngineDiskTest, TheQuickerWayGivesTheSameAnswers) {
  EngineConfig choosing = config();
  choosing.prefix.disk.loads = PrefixLoads::when_quicker;
  const CacheLayout& layout = transformer_.cache_layout();
  choosing.cache_bytes = 3 * layout.state_bytes + 5 * layout.page_bytes;  // one and a half
  Engine engine(transformer_, choosing);
  Engine cold(transformer_, {});
  for (int round = 0; round < 8; ++round)
    for (const std::int32_t step : {3, 5, 7}) {
      const Answer found = ask(engine, counting(280, step));
      EXPECT_EQ(found.logprobs, ask(cold, counting(280, step)).logprobs);
      EXPECT_TRUE(round == 0 || found.cached == 279 || engine.figures().disk_forgone > 0) << found.cached;
    }
  EXPECT_GE(engine.figures().disk_hits, 4) << "nothing is forgone before both are known";
}

// A turn of few tokens does not write a state; one of many does, and finds it after a restart.
TEST_F(EngineDiskTest, ASnapshotIsWrittenForWhatItSpares) {
  const std::int64_t state = transformer_.cache_layout().state_bytes;
  const auto with = [&](std::int64_t tokens) {
    EngineConfig own = config();
    own.prefix.disk.bytes_a_token = state / tokens;
    return own;
  };
  const auto turn = [&](const EngineConfig& own, std::int32_t tokens) {
    Engine engine(transformer_, own);
    return ask(engine, counting(tokens, 7)).cached;
  };
  EXPECT_EQ(turn(with(100), 190), 0);
  EXPECT_EQ(turn(with(100), 230), 189) << "the end of input; that of output would have spared 20 more";
  EXPECT_EQ(turn(with(100), 260), 189) << "nor did the second turn write any: 40 more, and 60";
  EXPECT_EQ(turn(with(100), 300), 189) << "70 more, and 90";
  EXPECT_EQ(turn(with(100), 300), 299) << "110 more were worth it";
}

TEST_F(EngineDiskTest, AReleasedModelsStateIsWorthABlock) {
  CacheLayout layout = transformer_.cache_layout();
  const auto worth = [&](std::int64_t bytes) {
    layout.state_bytes = bytes;
    return PrefixDisk({}, layout, backend_).tokens_worth_writing();
  };
  EXPECT_EQ(worth(std::int64_t{16} << 20), 128) << "Flash";
  EXPECT_EQ(worth(std::int64_t{24} << 20), 192) << "Pro";
  EXPECT_LT(worth(300'000), 16) << "minnow: whatever is kept in memory";
}

TEST_F(EngineDiskTest, AnotherModelVersionStorageOrLayoutFindsNothing) {
  const Ids prompt = counting(300, 7);
  cached(config(), prompt);
  EXPECT_EQ(cached(config("tiny, edited"), prompt), 0);
  const auto checkpoint = std::make_shared<const Checkpoint>(Checkpoint::open(FATHOM_TEST_DATA "/tiny-flash"));
  Transformer floats(checkpoint, backend_, {.storage = CacheStorage::float32, .rollback_tokens = 1});
  EXPECT_EQ(cached(config(), prompt, "", &floats), 0);
  Transformer longer(checkpoint, backend_, {.rollback_tokens = 2});
  EXPECT_EQ(cached(config(), prompt, "", &longer), 0);
  EXPECT_EQ(cached(config(), prompt), 299) << "and none of them was in the way";
}

TEST_F(EngineDiskTest, WhatRunsWhenTheServerEndsIsKept) {
  const Ids prompt = counting(300, 7);
  {
    Engine engine(transformer_, config());
    GenerationRequest request{.prompt = prompt, .sampling = {}};
    request.sampling.max_tokens = 100;
    engine.submit(request);
    engine.step();
    EXPECT_EQ(engine.tokens_read(0), 160);
  }
  EXPECT_EQ(cached(config(), prompt), 160);
}

// Memory for one and a half: what one leaves behind goes from memory, and comes back from disk.
TEST_F(EngineDiskTest, WhatMemoryCannotHoldComesBackFromDisk) {
  const CacheLayout& layout = transformer_.cache_layout();
  EngineConfig tight = config();
  tight.cache_bytes = 3 * layout.state_bytes + 5 * layout.page_bytes;
  Engine engine(transformer_, tight);
  Engine cold(transformer_, {});
  for (int round = 0; round < 3; ++round)
    for (const std::int32_t step : {3, 5, 7}) {
      const Ids prompt = counting(280, step);
      const Answer found = ask(engine, prompt);
      EXPECT_EQ(found.logprobs, ask(cold, prompt).logprobs);
      EXPECT_EQ(found.cached, round == 0 ? 0 : 279);
      EXPECT_LE(engine.figures().cache_bytes, tight.cache_bytes);
    }
  EXPECT_GT(engine.figures().kept.evictions, 0);
  EXPECT_GT(engine.figures().disk_hits, 3);
}

TEST_F(EngineDiskTest, OthersRunWhileAPrefixIsRead) {
  const Ids prompt = counting(300, 7);
  cached(config(), prompt);
  Engine engine(transformer_, config());
  GenerationRequest other{.prompt = counting(10, 3), .sampling = {}};
  other.sampling.max_tokens = 200;
  const SequenceId running = engine.submit(other);
  while (engine.step().empty()) {
  }
  GenerationRequest request{.prompt = prompt, .sampling = {}};
  request.sampling.max_tokens = 1;
  const SequenceId waiting = engine.submit(request);
  bool answered = false;
  while (!answered) {
    const auto events = engine.step();
    ASSERT_FALSE(events.empty());
    ASSERT_EQ(events.front().sequence, running) << "a token in every step";
    for (const TokenEvent& event : events)
      if (event.sequence == waiting) {
        answered = true;
        EXPECT_EQ(event.cached_tokens, 299);
      }
  }
}

// One bit in each part of each kind of file, and each file cut off.
TEST_F(EngineDiskTest, AFlippedBitOrACutFileGivesNothingWrong) {
  const Ids prompt = counting(300, 7);
  Engine cold(transformer_, {});
  const Answer expected = ask(cold, prompt);
  {
    Engine engine(transformer_, config());
    ask(engine, prompt);
  }
  const TemporaryDirectory kept;
  std::filesystem::copy(folder_, kept / "whole", std::filesystem::copy_options::recursive);
  const auto restore = [&] {
    std::filesystem::remove_all(folder_);
    std::filesystem::copy(kept / "whole", folder_, std::filesystem::copy_options::recursive);
  };
  std::mt19937_64 random(5);
  std::int64_t found = 0;
  int kinds = 0;
  for (const auto& file : files()) {
    const std::string whole = read_text(file);
    ++kinds;
    // The front, the end, and anywhere.
    std::vector<std::size_t> places = {
        9, 65, 80, 145, 160, 230, whole.size() - 1, whole.size() - 70, whole.size() - 90};
    for (int more = 0; more < 40; ++more) places.push_back(random() % whole.size());
    for (const std::size_t place : places) {
      if (place >= whole.size()) continue;
      std::string changed = whole;
      if (random() % 4 == 0)
        changed.resize(place);
      else
        changed[place] = static_cast<char>(changed[place] ^ (1 << (random() % 8)));
      write_text(file, changed);
      const Answer answer = ask(*std::make_unique<Engine>(transformer_, config()), prompt);
      EXPECT_EQ(answer.tokens, expected.tokens) << file << " " << place;
      EXPECT_EQ(answer.logprobs, expected.logprobs) << file << " " << place;
      found += answer.cached;
      restore();
    }
  }
  EXPECT_GE(kinds, 2) << "a segment and what was written today";
  EXPECT_GT(found, 0) << "most of it was whole";
}

TEST_F(EngineDiskTest, AFullDiskCostsHitsAlone) {
  if (::mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, "size=3m") != 0)
    GTEST_SKIP() << "no file system may be mounted here";
  {
    RandomRequests requests(transformer_, 4);
    Comparison comparison(requests);
    for (int go = 0; go < 4; ++go) {
      Engine engine(transformer_, config());
      for (int count = 0; count < 12; ++count) {
        comparison.submit(engine, requests.next());
        comparison.step(engine);
      }
      comparison.finish(engine);
      comparison.forget();
    }
    EXPECT_GT(comparison.answered, 40);
  }
  ::umount2(directory_.path().c_str(), MNT_DETACH);
}

// Children that answer over one folder are killed wherever they are; what a next engine finds there is right.
TEST_F(EngineDiskTest, KilledAt200PointsNoAnswerIsWrong) {
  RandomRequests requests(transformer_, 9, {.longest = 300, .again_of_eight = 0});
  while (requests.size() < 24) requests.next();
  std::mt19937_64 random(8);
  Comparison comparison(requests);
  std::int64_t from_disk = 0;
  for (int kill = 0; kill < 200; ++kill) {
    const auto first = random();
    const pid_t child = ::fork();
    if (child == 0) {
      Engine engine(transformer_, config());
      for (std::uint64_t next = first;; next = next * 31 + 7) {
        engine.submit(requests[next % requests.size()].request);
        while (!engine.idle()) engine.step();
      }
    }
    ::usleep(static_cast<useconds_t>(random() % 40'000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    if (kill % 4 > 0) continue;
    auto engine = std::make_unique<Engine>(transformer_, config());
    for (int count = 0; count < 4; ++count) comparison.submit(*engine, random() % requests.size());
    ASSERT_NO_FATAL_FAILURE(comparison.finish(*engine)) << "kill " << kill;
    from_disk += engine->figures().disk_hits;
    engine.reset();
    if (kill % 20 == 0) std::filesystem::remove_all(folder_);  // or all of it is on disk soon
  }
  EXPECT_EQ(comparison.answered, 200);
  EXPECT_GT(from_disk, 20);
}

// Clients on their threads, over engines that come and go.
class CountingSink final : public TokenSink {
 public:
  void on_progress(const PromptProgress& /*progress*/) override {}
  void on_token(const TokenEvent& event) override {
    const std::scoped_lock lock(mutex_);
    events_.push_back(event);
    if (event.finish != FinishReason::none) ended_.notify_all();
  }
  std::vector<TokenEvent> wait() {
    std::unique_lock lock(mutex_);
    ended_.wait_for(lock, std::chrono::seconds(60),
                    [this] { return !events_.empty() && events_.back().finish != FinishReason::none; });
    return events_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  std::vector<TokenEvent> events_;
};

TEST_F(EngineDiskTest, ClientsOnTheirThreadsGetTheSame) {
  RandomRequests requests(transformer_, 10, {.longest = 200, .again_of_eight = 0});
  while (requests.size() < 12) requests.next();
  std::int64_t hits = 0;
  for (int go = 0; go < 3; ++go) {
    Engine engine(transformer_, config());
    EngineLoop loop(engine, {});
    std::vector<std::thread> clients;
    for (std::size_t client = 0; client < 3; ++client)
      clients.emplace_back([&, client] {
        for (std::size_t count = 0; count < 5; ++count) {
          const Asked& asked = requests[(client * 5 + count) % requests.size()];
          const auto sink = std::make_shared<CountingSink>();
          ASSERT_EQ(loop.submit(asked.request, sink).index(), 0U);
          const auto events = sink->wait();
          ASSERT_EQ(events.size(), asked.cold.size());
          for (std::size_t token = 0; token < events.size(); ++token)
            expect_equal(events[token], asked.cold[token], fmt::format("client {}, token {}", client, token));
          loop.load();
        }
      });
    for (std::thread& client : clients) client.join();
    hits += loop.load().disk_hits;
    EXPECT_GT(loop.load().disk_blobs, 0);
  }
  EXPECT_GT(hits, 0);
}

}  // namespace
}  // namespace fathom::testing
