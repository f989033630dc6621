// What one account has read changes nothing for another: not what it is told, and not the work that its requests take,
// which a clock would show. Counted, not timed.
#include <gtest/gtest.h>

#include "tests/engine/engine_support.h"
#include "tests/store/store_support.h"

namespace fathom::testing {
namespace {

// Everything that a request makes the engine and its store do. Not written_bytes: a segment's header of 64 bytes is
// written behind with the first blob, whoever's that is.
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
  std::int64_t reads = 0;
  std::int64_t read_misses = 0;
  std::int64_t read_bytes = 0;
};

void expect_same(const Work& work, const Work& expected) {
  EXPECT_EQ(work.cached, expected.cached);
  EXPECT_EQ(work.prompt_tokens, expected.prompt_tokens);
  EXPECT_EQ(work.sampled_tokens, expected.sampled_tokens);
  EXPECT_EQ(work.steps, expected.steps);
  EXPECT_EQ(work.snapshots, expected.snapshots);
  EXPECT_EQ(work.visits, expected.visits);
  EXPECT_EQ(work.kept_bytes, expected.kept_bytes);
  EXPECT_EQ(work.disk_hits, expected.disk_hits);
  EXPECT_EQ(work.disk_tokens, expected.disk_tokens);
  EXPECT_EQ(work.blobs, expected.blobs);
  EXPECT_EQ(work.blob_bytes, expected.blob_bytes);
  EXPECT_EQ(work.reads, expected.reads);
  EXPECT_EQ(work.read_misses, expected.read_misses);
  EXPECT_EQ(work.read_bytes, expected.read_bytes);
}

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
            .reads = after.reads - before.reads,
            .read_misses = after.read_misses - before.read_misses,
            .read_bytes = after.read_bytes - before.read_bytes};
  }
  static Ids counting(std::int32_t count, std::int32_t step) {
    Ids ids;
    for (std::int32_t index = 0; index < count; ++index) ids.push_back(index * step % 57);
    return ids;
  }

  const Ids prompt_ = counting(240, 5);
  const TemporaryDirectory directory_;
};

TEST_F(EngineIsolation, InMemoryARequestTakesTheSameWorkWhateverOthersHaveRead) {
  std::vector<Work> first;
  std::vector<Work> again;
  for (const char* name : {"", "A", "AB"}) {
    const std::string others = name;
    Engine engine(transformer_, config(nullptr));
    if (!others.empty()) {
      EXPECT_EQ(ask(engine, prompt_, others), 0);
      EXPECT_EQ(ask(engine, prompt_, others), 239) << "or nothing could leak";
    }
    first.push_back(work_of(engine, nullptr, prompt_));
    again.push_back(work_of(engine, nullptr, prompt_));
  }
  for (std::size_t other = 1; other < first.size(); ++other) {
    expect_same(first[other], first[0]);
    expect_same(again[other], again[0]);
  }
  EXPECT_EQ(first[0].cached, 0);
  EXPECT_EQ(first[0].prompt_tokens, 240);
  EXPECT_EQ(again[0].cached, 239);
  EXPECT_EQ(again[0].prompt_tokens, 1) << "or the figures would show no difference at all";
  EXPECT_GT(again[0].visits, 0);
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
        EXPECT_EQ(ask(engine, prompt_, "A"), 239) << "or nothing could leak";
      }
      works->push_back(work_of(engine, store.get(), prompt_));
    }
  }
  expect_same(first[1], first[0]);
  expect_same(again[1], again[0]);
  EXPECT_EQ(first[0].cached, 0);
  EXPECT_EQ(first[0].reads, 0);
  EXPECT_GT(first[0].blobs, 0);
  EXPECT_EQ(again[0].cached, 239);
  EXPECT_GT(again[0].read_bytes, 0);
}

}  // namespace
}  // namespace fathom::testing
