// Allocations that are refused, each in its turn: what cannot be kept is not, what cannot run ends with a fault, and no
// answer is wrong.
#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/checkpoint/checkpoint.h"
#include "tests/engine/random_requests_support.h"
#include "tests/store/store_support.h"

namespace fathom::testing {
namespace {

// Refuses a stretch of calls, in a processor's words or in a GPU's.
class RefusingAllocator final : public Allocator {
 public:
  std::byte* allocate(std::int64_t bytes) override {
    const std::int64_t call = calls_++;
    if (call < from_ || call >= to_) return host_allocator().allocate(bytes);
    ++refused_;
    if (as_input_error_) throw InputError("[gpu] {} bytes were wanted", bytes);
    throw std::bad_alloc();
  }
  void release(std::byte* data, std::int64_t bytes) noexcept override { host_allocator().release(data, bytes); }
  void refuse(std::int64_t after, std::int64_t count, bool as_input_error) {
    from_ = calls_ + after;
    to_ = from_ + count;
    as_input_error_ = as_input_error;
  }
  void allow() { to_ = 0; }
  std::int64_t calls() const { return calls_; }
  std::int64_t refused() const { return refused_; }

 private:
  std::int64_t calls_ = 0;
  std::int64_t from_ = 0;
  std::int64_t to_ = 0;
  std::int64_t refused_ = 0;
  bool as_input_error_ = false;
};

class RefusingBackend final : public CpuBackend {
 public:
  RefusingBackend() : CpuBackend({.threads = 1}) {}
  Allocator& allocator() override { return memory; }
  RefusingAllocator memory;
};

class EngineRefusal : public ::testing::TestWithParam<bool> {};

TEST_P(EngineRefusal, NoAnswerIsWrongAndNothingIsLost) {
  const TemporaryDirectory directory;
  store::StoreOptions options = small_store(directory / "store");
  options.limits = {.bytes = 32 << 20, .free_bytes = 0, .queue_bytes = 16 << 20, .segment_bytes = 2 << 20};
  RefusingBackend backend;
  Transformer transformer(std::make_shared<const Checkpoint>(Checkpoint::open(FATHOM_TEST_DATA "/tiny-flash")), backend,
                          {.rollback_tokens = 1});
  RandomRequests requests(transformer, 12, {.longest = 200, .again_of_eight = 0});
  Comparison comparison(requests);
  while (requests.size() < 16) requests.next();
  std::int64_t disk_hits = 0;
  for (std::int64_t call = 0; call < 120; ++call) {
    Engine engine(
        transformer,
        {.max_batch_tokens = 150,
         .max_sequences = 3,
         .prefix = {.on = true,
                    .minimum = 20,
                    .interval = 200,
                    .disk = {.store = std::make_shared<store::BlobStore>(options), .identity = "tiny", .warn = {}}}});
    for (int count = 0; count < 6; ++count)
      comparison.submit(engine,
                        static_cast<std::size_t>(requests.between(0, static_cast<std::int64_t>(requests.size()) - 1)));
    backend.memory.refuse(call % 40, 1 + call / 40 * 3, GetParam());
    ASSERT_NO_FATAL_FAILURE(comparison.finish(engine, true)) << "refused after " << call;
    backend.memory.allow();
    EXPECT_EQ(engine.figures().cache_bytes, engine.figures().kept.bytes) << "nothing runs";
    EXPECT_EQ(engine.figures().running + engine.figures().waiting, 0);
    // And it goes on as if nothing had been.
    const int answered = comparison.answered;
    comparison.submit(engine, 0);
    ASSERT_NO_FATAL_FAILURE(comparison.finish(engine));
    EXPECT_EQ(comparison.answered, answered + 1);
    disk_hits += engine.figures().disk_hits;
  }
  EXPECT_GT(backend.memory.refused(), 100);
  EXPECT_GT(comparison.answered, 400);
  EXPECT_GT(comparison.hits, 100);
  EXPECT_GT(comparison.faulty, 0);
  EXPECT_GT(disk_hits, 20);
}

INSTANTIATE_TEST_SUITE_P(Words, EngineRefusal, ::testing::Bool(),
                         [](const auto& instance) { return instance.param ? "Gpu" : "Processor"; });

}  // namespace
}  // namespace fathom::testing
