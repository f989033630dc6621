// What one account has read changes nothing for another: not what it is told, and not the work that its requests take,
// which a clock would show. Counted, not timed.
#include <gtest/gtest.h>

#include <tuple>

#include "tests/engine/engine_support.h"
#include "tests/store/store_support.h"

namespace fathom::testing {
namespace {

// Everything that a request makes the engine and its store do.
struct Work {
  std::int64_t cached = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t sampled_tokens = 0;
  std::int64_t steps = 0;
  std::int64_t snapshots = 0;
  std::int64_t visits = 0;
  std::int64_t kept_bytes = 0;
  std::int64_t disk_hits = 0;
  std::int64_t disk_tokens = 0;
  std::int64_t blobs = 0;
  std::int64_t blob_bytes = 0;
  std::int64_t written_bytes = 0;
  std::int64_t reads = 0;
  std::int64_t read_misses = 0;
  std::int64_t read_bytes = 0;

  auto operator<=>(const Work&) const = default;
};

class EngineIsolation : public EngineTest {
 protected:
  std::shared_ptr<store::BlobStore> open_store(const std::string& name) {
    store::StoreOptions options = small_store(directory_ / name);
    options.limits.bytes = 64 << 20;
    options.limits.segment_bytes = 2 << 20;
    options.limits.queue_bytes = 32 << 20;
    return std::make_shared<store::BlobStore>(std::move(options));
  }
  static EngineConfig config(std::shared_ptr<store::BlobStore> store) {
    return {.max_batch_tokens = 32,
            .prefix = {.on = true,
                       .minimum = 16,
                       .interval = 64,
                       .disk = {.store = std::move(store), .identity = "small", .warn = {}}}};
  }
  static Work totals(const Engine& engine, store::BlobStore* store) {
    if (store != nullptr) store->flush();
    const EngineFigures figures = engine.figures();
    const store::StoreFigures disk = store == nullptr ? store::StoreFigures() : store->figures();
    return {.cached = figures.cached_tokens,
            .prompt_tokens = figures.prompt_tokens,
            .sampled_tokens = figures.sampled_tokens,
            .steps = figures.steps,
            .snapshots = figures.kept.snapshots,
            .visits = figures.kept.visits,
            .kept_bytes = figures.kept.bytes,
            .disk_hits = figures.disk_hits,
            .disk_tokens = figures.disk_tokens,
            .blobs = disk.blobs,
            .blob_bytes = disk.blob_bytes,
            .written_bytes = disk.written_bytes,
            .reads = disk.read_hits,
            .read_misses = disk.read_misses,
            .read_bytes = disk.read_bytes};
  }
  std::int64_t ask(Engine& engine, const Ids& prompt, const std::string& scope) {
    GenerationRequest asked = request(prompt, 10);
    asked.cache_scope = scope;
    asked.user = scope;
    asked.snapshot_at = {std::ssize(prompt) / 2};
    const SequenceId id = engine.submit(asked);
    return run(engine)[id].front().cached_tokens;
  }
  // What this request of account B adds to the totals.
  Work work_of(Engine& engine, store::BlobStore* store, const Ids& prompt) {
    const Work before = totals(engine, store);
    const std::int64_t cached = ask(engine, prompt, "B");
    const Work after = totals(engine, store);
    return {.cached = cached,
            .prompt_tokens = after.prompt_tokens - before.prompt_tokens,
            .sampled_tokens = after.sampled_tokens - before.sampled_tokens,
            .steps = after.steps - before.steps,
            .snapshots = after.snapshots - before.snapshots,
            .visits = after.visits - before.visits,
            .kept_bytes = after.kept_bytes - before.kept_bytes,
            .disk_hits = after.disk_hits - before.disk_hits,
            .disk_tokens = after.disk_tokens - before.disk_tokens,
            .blobs = after.blobs - before.blobs,
            .blob_bytes = after.blob_bytes - before.blob_bytes,
            .written_bytes = after.written_bytes - before.written_bytes,
            .reads = after.reads - before.reads,
            .read_misses = after.read_misses - before.read_misses,
            .read_bytes = after.read_bytes - before.read_bytes};
  }
  static Ids counting(std::int32_t count, std::int32_t step) {
    Ids ids;
    for (std::int32_t index = 0; index < count; ++index) ids.push_back(index * step % 57);
    return ids;
  }

  const Ids prompt_ = counting(200, 5);
  const TemporaryDirectory directory_;
};

TEST_F(EngineIsolation, InMemoryARequestTakesTheSameWorkWhateverOthersHaveRead) {
  std::vector<Work> first;
  std::vector<Work> again;
  for (const std::string& others : {"", "A", "AB"}) {
    Engine engine(transformer_, config(nullptr));
    if (!others.empty()) {
      EXPECT_EQ(ask(engine, prompt_, others), 0);
      EXPECT_EQ(ask(engine, prompt_, others), 199) << "or nothing could leak";
    }
    first.push_back(work_of(engine, nullptr, prompt_));
    again.push_back(work_of(engine, nullptr, prompt_));
  }
  for (std::size_t other = 1; other < first.size(); ++other) {
    EXPECT_TRUE(first[other] == first[0]) << other;
    EXPECT_TRUE(again[other] == again[0]) << other;
  }
  EXPECT_EQ(first[0].cached, 0);
  EXPECT_EQ(first[0].prompt_tokens, 200);
  EXPECT_EQ(again[0].cached, 199);
  EXPECT_EQ(again[0].prompt_tokens, 1) << "or the figures would show no difference at all";
  EXPECT_LT(first[0].visits, again[0].visits);
}

// Behind a restart, with what A left on disk or without it.
TEST_F(EngineIsolation, FromDiskARequestTakesTheSameWorkWhateverOthersHaveRead) {
  std::vector<Work> first;
  std::vector<Work> again;
  for (const bool others : {false, true}) {
    const std::string folder = others ? "with" : "without";
    if (others) {
      const auto store = open_store(folder);
      Engine engine(transformer_, config(store));
      ask(engine, prompt_, "A");
      store->flush();
    }
    for (std::vector<Work>* works : {&first, &again}) {
      const auto store = open_store(folder);
      Engine engine(transformer_, config(store));
      if (others) {
        EXPECT_EQ(ask(engine, prompt_, "A"), 199) << "or nothing could leak";
      }
      works->push_back(work_of(engine, store.get(), prompt_));
    }
  }
  EXPECT_TRUE(first[0] == first[1]);
  EXPECT_TRUE(again[0] == again[1]);
  EXPECT_EQ(first[0].cached, 0);
  EXPECT_EQ(first[0].reads, 0);
  EXPECT_GT(first[0].written_bytes, 0);
  EXPECT_EQ(again[0].cached, 199);
  EXPECT_GT(again[0].read_bytes, 0);
}

}  // namespace
}  // namespace fathom::testing
