// Experts of the machine's memory whose copies come and go with what a GPU has free: no bit depends on it.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "fathom/backends/cuda/cuda_backend.h"
#include "fathom/base/error.h"
#include "fathom/checkpoint/checkpoint.h"
#include "fathom/model/transformer.h"
#include "fathom/ops/downloaded.h"

namespace fathom {
namespace {

double figure(const Backend& backend, std::string_view name) {
  for (const BackendFigure& one : backend.figures())
    if (one.name == name) return one.value;
  return -1.0;
}

// Two transformers of one model, token by token.
class LentExperts : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string obstacle = cuda_obstacle({}); !obstacle.empty()) GTEST_SKIP() << obstacle;
    checkpoint_ = std::make_shared<const Checkpoint>(
        Checkpoint::open(std::filesystem::path(FATHOM_SOURCE) / "tests" / "data" / "tiny-flash"));
    whole_ = make_cuda_backend({.tensor_core_inputs = 1});
    lends_ = make_cuda_backend({.tensor_core_inputs = 1});
    // Caches that want all there is leave no place for an expert.
    const TransformerOptions options{.cache_bytes = lends_->free_bytes().value()};
    one_ = std::make_unique<Transformer>(checkpoint_, *whole_, TransformerOptions{});
    two_ = std::make_unique<Transformer>(checkpoint_, *lends_, options);
    begin_sequence();
  }

  static std::vector<float> step(Transformer& transformer, SequenceCache& cache, std::span<const std::int32_t> ids,
                                 ForwardObserver* observer = nullptr) {
    const BatchRun run{.cache = &cache, .ids = ids};
    return downloaded(transformer.backend(), transformer.forward({&run, 1}, observer));
  }

  // `looks` into the step of the backend that lends.
  void expect_same_step(std::int64_t tokens, std::string_view when, ForwardObserver* looks = nullptr) {
    std::vector<std::int32_t> ids;
    for (std::int64_t token = 0; token < tokens; ++token)
      ids.push_back(id_ = (id_ * 31 + 7) % static_cast<std::int32_t>(checkpoint_->config().vocab));
    const std::vector<float> expected = step(*one_, *one_cache_, ids);
    const std::vector<float> found = step(*two_, *two_cache_, ids, looks);
    ASSERT_EQ(found.size(), expected.size());
    ASSERT_EQ(std::memcmp(found.data(), expected.data(), found.size() * sizeof(float)), 0)
        << when << ", " << tokens << " tokens up to position " << one_cache_->tokens() - 1;
  }

  void expect_same_steps(int count, std::string_view when) {
    for (int token = 0; token < count; ++token) expect_same_step(1, when);
  }

  void begin_sequence() {
    one_cache_ = std::make_unique<SequenceCache>(one_->make_cache());
    two_cache_ = std::make_unique<SequenceCache>(two_->make_cache());
  }

  std::shared_ptr<const Checkpoint> checkpoint_;
  std::unique_ptr<Backend> whole_;
  std::unique_ptr<Backend> lends_;
  std::unique_ptr<Transformer> one_;
  std::unique_ptr<Transformer> two_;
  std::unique_ptr<SequenceCache> one_cache_;
  std::unique_ptr<SequenceCache> two_cache_;
  std::int32_t id_ = 1;
};

// All of a GPU's memory: whoever wants some gets it.
std::vector<Memory> take_all(Backend& backend) {
  std::vector<Memory> all;
  for (std::int64_t bytes = std::int64_t{1} << 32; bytes >= 4096; bytes /= 2) {
    try {
      while (true) all.emplace_back(backend.allocator(), bytes);
    } catch (const InputError&) {
      EXPECT_EQ(figure(backend, "experts_lent"), 0.0) << "nothing is refused while something is lent";
    }
  }
  return all;
}

// Takes all memory behind one block of a step.
class Taker final : public ForwardObserver {
 public:
  Taker(Backend& backend, std::int64_t block) : backend_(backend), block_(block) {}
  void on_streams(std::int64_t block, View<const float, 3> /*streams*/) override {
    if (block == block_) (void)take_all(backend_);
  }

 private:
  Backend& backend_;
  std::int64_t block_;
};

TEST_F(LentExperts, NoBitDependsOnWhatIsLent) {
  expect_same_steps(20, "before anything is lent");
  const double on_host = figure(*lends_, "experts_on_host");
  ASSERT_GT(on_host, 0.0);
  EXPECT_EQ(figure(*lends_, "experts_lent"), 0.0);
  expect_same_steps(100, "while copies come");
  const double lent = figure(*lends_, "experts_lent");
  EXPECT_GT(lent, 0.0);
  EXPECT_LE(lent, on_host);
  {
    Memory little(lends_->allocator(), std::int64_t{64} << 20);  // for what a sequence that goes on takes
    const std::vector<Memory> all = take_all(*lends_);
    little = Memory();
    expect_same_steps(70, "while little is free");
    EXPECT_EQ(figure(*lends_, "experts_lent"), 0.0);
  }
  expect_same_steps(70, "when memory is free again");
  EXPECT_GT(figure(*lends_, "experts_lent"), 0.0);
}

TEST_F(LentExperts, NoBitDependsOnWhatIsBroughtForManyTokens) {
  for (int round = 0; round < 12; ++round) {
    begin_sequence();
    // Some steps have experts brought, others read them over the bus; from the 32nd on some have copies.
    for (const std::int64_t tokens : {120, 96, 95, 1, 200, 1, 97}) expect_same_step(tokens, "in chunks");
  }
  EXPECT_GT(figure(*lends_, "experts_lent"), 0.0);
}

// What was sent for ahead, and the tables of layers to come, were made when there were copies.
TEST_F(LentExperts, NoBitDependsOnWhatGoesWithinAStep) {
  for (std::int64_t block = 0; block < checkpoint_->config().layers; ++block) {
    begin_sequence();
    expect_same_step(200, "at first");
    for (int step = 0; step < 64 && figure(*lends_, "experts_lent") == 0.0; ++step)
      expect_same_step(1, "until there are some copies");
    ASSERT_GT(figure(*lends_, "experts_lent"), 0.0);
    EXPECT_LT(figure(*lends_, "experts_lent"), figure(*lends_, "experts_on_host")) << "others are brought";
    Taker taker(*lends_, block);
    expect_same_step(200, "while copies go", &taker);
    EXPECT_EQ(figure(*lends_, "experts_lent"), 0.0);
    expect_same_step(120, "and afterwards");
  }
}

// Somebody who reads within a step lets experts change places there.
class Reader final : public ForwardObserver {
 public:
  explicit Reader(Backend& backend) : backend_(backend) {}
  void on_streams(std::int64_t /*block*/, View<const float, 3> streams) override {
    float one = 0.0F;
    backend_.download(reinterpret_cast<const std::byte*>(streams.data()), std::as_writable_bytes(std::span(&one, 1)));
  }

 private:
  Backend& backend_;
};

TEST_F(LentExperts, NoBitDependsOnALookWithinAStep) {
  Reader reader(*lends_);
  for (int round = 0; round < 24; ++round) {
    begin_sequence();
    for (const std::int64_t tokens : {1, 1, 1, 1, 1, 100, 120}) expect_same_step(tokens, "looked into", &reader);
  }
  EXPECT_GT(figure(*lends_, "experts_lent"), 0.0);
}

}  // namespace
}  // namespace fathom
