// The promise of docs/invariance.md: the logits of a sequence are the same bytes whether it is fed in one prefill, in
// random chunks, token by token, alone or among random others, with one thread or two.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "fathom/apps/backend_choice.h"
#include "fathom/backends/cpu/instruction_set.h"
#include "fathom/backends/cuda/cuda_backend.h"
#include "fathom/checkpoint/checkpoint.h"
#include "fathom/model/transformer.h"
#include "fathom/ops/downloaded.h"

namespace fathom {
namespace {

struct InvarianceCase {
  std::string directory;
  CacheStorage storage;
  std::string backend;
  std::int64_t tokens;  // of the longest sequence
  int schedules;        // random ones tried
  std::string cpu_target = "best";
  std::string experts = "packed";  // of the backend with two threads
};

using Ids = std::vector<std::int32_t>;
using Logits = std::vector<float>;  // [tokens, vocab]

class Invariance : public testing::TestWithParam<InvarianceCase> {
 protected:
  void SetUp() override {
    checkpoint_ = std::make_shared<const Checkpoint>(
        Checkpoint::open(std::filesystem::path(FATHOM_SOURCE) / GetParam().directory));
    one_thread_ = backend_of(1);
    two_threads_ = backend_of(2);
    one_ = std::make_unique<Transformer>(checkpoint_, *one_thread_, TransformerOptions{.storage = GetParam().storage});
    two_ = std::make_unique<Transformer>(checkpoint_, *two_threads_, TransformerOptions{.storage = GetParam().storage});
  }

  static std::unique_ptr<Backend> backend_of(int threads) {
    if (GetParam().backend == "cuda_tensor_cores") return make_cuda_backend({.tensor_core_inputs = 1});
    if (GetParam().backend == "cuda_offload")  // some experts in the machine's memory, against none there
      return make_cuda_backend({.tensor_core_inputs = 1, .weight_bytes = threads == 1 ? 3'000'000 : 0});
    if (GetParam().backend == "cuda_fp8")
      return make_cuda_backend({.products = CudaProducts::fp8, .tensor_core_inputs = 1});
    if (GetParam().backend == "cuda") return make_backend({.name = "cpu", .threads = threads, .device = "cuda"});
    return make_backend({.name = GetParam().backend,
                         .threads = threads,
                         .cpu_target = GetParam().cpu_target,
                         .experts = threads == 2 ? GetParam().experts : "packed"});
  }

  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }

  Ids random_ids(std::int64_t count) {
    Ids ids;
    for (std::int64_t token = 0; token < count; ++token)
      ids.push_back(static_cast<std::int32_t>(between(0, checkpoint_->config().vocab - 1)));
    return ids;
  }

  // Feeds all sequences together, each by its own run lengths; a length of 0 lets a sequence sit a step out.
  template <typename NextLength>
  std::vector<Logits> feed(Transformer& transformer, const std::vector<Ids>& sequences, const NextLength& next_length) {
    std::vector<SequenceCache> caches;
    for (std::size_t index = 0; index < sequences.size(); ++index) caches.push_back(transformer.make_cache());
    std::vector<Logits> results(sequences.size());
    while (true) {
      std::vector<BatchRun> batch;
      std::vector<std::size_t> members;
      bool unfinished = false;
      for (std::size_t index = 0; index < sequences.size(); ++index) {
        const std::int64_t left = std::ssize(sequences[index]) - caches[index].tokens();
        unfinished = unfinished || left > 0;
        const std::int64_t length = std::min<std::int64_t>(left, next_length());
        if (length <= 0) continue;
        batch.push_back(
            {.cache = &caches[index],
             .ids = std::span(sequences[index])
                        .subspan(static_cast<std::size_t>(caches[index].tokens()), static_cast<std::size_t>(length))});
        members.push_back(index);
      }
      if (!unfinished) return results;
      if (batch.empty()) continue;
      std::shuffle(batch.begin(), batch.end(), std::mt19937(7));  // the order of runs must not matter either
      std::shuffle(members.begin(), members.end(), std::mt19937(7));
      const auto logits = transformer.forward(batch);
      std::int64_t row = 0;
      for (std::size_t run = 0; run < batch.size(); ++run) {
        const auto rows = downloaded(transformer.backend(), logits.rows(row, std::ssize(batch[run].ids)));
        results[members[run]].insert(results[members[run]].end(), rows.begin(), rows.end());
        row += std::ssize(batch[run].ids);
      }
    }
  }

  void expect_same(const Logits& found, const Logits& expected, const std::string& what) {
    ASSERT_EQ(found.size(), expected.size()) << what;
    if (std::memcmp(found.data(), expected.data(), found.size() * sizeof(float)) == 0) return;
    const auto vocab = static_cast<std::size_t>(checkpoint_->config().vocab);
    for (std::size_t value = 0; value < found.size(); ++value)
      if (std::memcmp(&found[value], &expected[value], sizeof(float)) != 0) {
        FAIL() << what << ": first difference at position " << value / vocab << ", token " << value % vocab << ": "
               << found[value] << " instead of " << expected[value];
      }
  }

  std::mt19937_64 random_{20261123};
  std::shared_ptr<const Checkpoint> checkpoint_;
  std::unique_ptr<Backend> one_thread_;
  std::unique_ptr<Backend> two_threads_;
  std::unique_ptr<Transformer> one_;
  std::unique_ptr<Transformer> two_;
};

TEST_P(Invariance, LogitsDoNotDependOnTheSchedule) {
  std::vector<Ids> sequences;
  std::vector<Logits> expected;
  for (const std::int64_t tokens : {GetParam().tokens, GetParam().tokens * 2 / 3, std::int64_t{1}, std::int64_t{130}}) {
    sequences.push_back(random_ids(tokens));
    expected.push_back(feed(*one_, {sequences.back()}, [&] { return tokens; })[0]);
  }
  const auto compare = [&](const std::vector<Logits>& found, const std::string& what) {
    for (std::size_t index = 0; index < found.size(); ++index)
      expect_same(found[index], expected[index], what + ", sequence " + std::to_string(index));
  };
  compare(feed(*two_, sequences, [&] { return GetParam().tokens; }), "one prefill in a batch, two threads");
  compare(feed(*one_, sequences, [] { return 1; }), "token by token in a batch");
  for (int schedule = 0; schedule < GetParam().schedules; ++schedule) {
    const std::int64_t longest = schedule % 2 == 0 ? 200 : 9;
    compare(feed(schedule % 3 == 0 ? *one_ : *two_, sequences, [&] { return between(0, longest); }),
            "random schedule " + std::to_string(schedule));
  }
}

using InstructionSets = Invariance;

// With any of them the answer is that of the machine's best.
TEST_P(InstructionSets, GiveTheSameLogits) {
  const Ids ids = random_ids(GetParam().tokens);
  const Logits found = feed(*two_, {ids}, [] { return 33; })[0];
  use_instruction_set("best");
  expect_same(found, feed(*one_, {ids}, [&] { return GetParam().tokens; })[0], "the best instruction set");
}

TEST_P(Invariance, DraftsDoNotDependOnTheSchedule) {
  const ModelConfig& config = checkpoint_->config();
  if (config.mtp_layers == 0) GTEST_SKIP() << "no MTP block";
  const Ids ids = random_ids(GetParam().tokens);
  SequenceCache trunk = one_->make_cache();
  const BatchRun whole{.cache = &trunk, .ids = ids, .logits_from = std::ssize(ids)};
  one_->forward({&whole, 1});
  const std::vector<float> streams = downloaded(one_->backend(), one_->final_streams());
  const auto draft = [&](Transformer& transformer, std::int64_t longest) {
    SequenceCache cache = transformer.make_cache();
    Logits result;
    while (cache.mtp_tokens() + 1 < std::ssize(ids)) {
      const std::int64_t start = cache.mtp_tokens();
      const std::int64_t length = std::min(std::ssize(ids) - 1 - start, longest == 1 ? 1 : between(1, longest));
      const BatchRun run{
          .cache = &cache,
          .ids = std::span(ids).subspan(static_cast<std::size_t>(start + 1), static_cast<std::size_t>(length))};
      const std::int64_t token_size = config.streams * config.channels;
      const Memory rows(transformer.backend().allocator(), length * token_size * 4);
      transformer.backend().upload(
          std::as_bytes(std::span(streams).subspan(static_cast<std::size_t>(start * token_size),
                                                   static_cast<std::size_t>(length * token_size))),
          rows.data());
      const auto logits =
          transformer.draft({&run, 1}, rows.view<const float, 3>({length, config.streams, config.channels}));
      const auto values = downloaded(transformer.backend(), logits);
      result.insert(result.end(), values.begin(), values.end());
    }
    return result;
  };
  const Logits expected = draft(*one_, std::ssize(ids));
  expect_same(draft(*two_, 1), expected, "token by token");
  expect_same(draft(*two_, 50), expected, "random chunks");
}

std::vector<InvarianceCase> cases() {
  std::vector<InvarianceCase> all = {
      {"tests/data/tiny-flash", CacheStorage::released, "cpu", 420, 8},
      {"tests/data/tiny-flash", CacheStorage::float32, "cpu", 300, 4},
      {"tests/data/tiny-pro", CacheStorage::released, "cpu", 420, 6},
      {"tests/data/tiny-pro", CacheStorage::float32, "cpu", 300, 3},
      {"models/sprat", CacheStorage::released, "cpu", 600, 6},
      {"tests/data/tiny-flash", CacheStorage::released, "reference", 140, 1},
      {"tests/data/tiny-pro", CacheStorage::released, "cpu", 140, 2, "best", "mapped"},
  };
  if (!cuda_obstacle({}).empty()) return all;
  all.push_back({"tests/data/tiny-flash", CacheStorage::released, "cuda", 420, 8});
  all.push_back({"tests/data/tiny-flash", CacheStorage::float32, "cuda", 300, 4});
  all.push_back({"tests/data/tiny-flash", CacheStorage::released, "cuda_tensor_cores", 420, 8});
  all.push_back({"tests/data/tiny-flash", CacheStorage::released, "cuda_offload", 420, 8});
  all.push_back({"tests/data/tiny-pro", CacheStorage::float32, "cuda_tensor_cores", 420, 6});
  all.push_back({"models/sprat", CacheStorage::released, "cuda_tensor_cores", 600, 6});
  all.push_back({"tests/data/tiny-flash", CacheStorage::released, "cuda_fp8", 420, 8});
  all.push_back({"tests/data/tiny-pro", CacheStorage::released, "cuda", 420, 6});
  all.push_back({"models/sprat", CacheStorage::released, "cuda", 600, 6});
  return all;
}

// Every instruction set but the best, on all sorts of attention.
std::vector<InvarianceCase> instruction_set_cases() {
  std::vector<InvarianceCase> all;
  for (const std::string& target : instruction_sets())
    if (target != instruction_sets().front())
      for (const char* directory : {"tests/data/tiny-flash", "tests/data/tiny-pro"})
        all.push_back({directory, CacheStorage::released, "cpu", 200, 2, target});
  return all;
}

std::string case_name(const testing::TestParamInfo<InvarianceCase>& instance) {
  std::string name = instance.param.directory + "_" + instance.param.backend +
                     (instance.param.storage == CacheStorage::released ? "_released" : "_float32") +
                     (instance.param.cpu_target == "best" ? "" : "_" + instance.param.cpu_target) +
                     (instance.param.experts == "packed" ? "" : "_" + instance.param.experts);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Models, Invariance, testing::ValuesIn(cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Models, InstructionSets, testing::ValuesIn(instruction_set_cases()), case_name);

}  // namespace
}  // namespace fathom
