// The promise of docs/speculation.md: what is drafted changes the clock and nothing else.
#include <gtest/gtest.h>

#include <cstdlib>

#include "fathom/backends/cpu/cpu_backend.h"
#include "tests/engine/engine_support.h"
#include "tests/engine/random_requests_support.h"

namespace fathom::testing {
namespace {

struct DraftCase {
  std::string name;
  std::string model;
  std::int64_t most;
  bool always;
  bool prefix;
  std::int64_t states;  // of memory for caches, and 8 pages; 0: no limit
  int requests;
  std::int64_t tokens;  // of answers, at most
};

class EngineDraftsProperty : public ::testing::TestWithParam<DraftCase> {
 protected:
  CpuBackend backend_{{.threads = 1}};
  Transformer transformer_{std::make_shared<const Checkpoint>(Checkpoint::open(GetParam().model)), backend_,
                           TransformerOptions{.storage = CacheStorage::released, .rollback_tokens = kMostDrafts}};
};

TEST_P(EngineDraftsProperty, AnswersAreThoseOfPlainDecoding) {
  const CacheLayout& layout = transformer_.cache_layout();
  const std::int64_t bytes =
      GetParam().states == 0 ? 0 : GetParam().states * layout.state_bytes + 8 * layout.page_bytes;
  Engine engine(transformer_, {.max_batch_tokens = 150,
                               .max_sequences = 5,
                               .cache_bytes = bytes,
                               .prefix = {.on = GetParam().prefix, .minimum = 20, .interval = 200},
                               .drafts = {.most = GetParam().most, .always = GetParam().always}});
  RandomRequests requests(transformer_, 78, {.most_answered = GetParam().tokens, .mixed = true});
  Comparison comparison(requests);
  // FATHOM_TIMES=8: so many times as many, 100,000 tokens in all.
  const char* times = std::getenv("FATHOM_TIMES");
  const int wanted = GetParam().requests * (times == nullptr ? 1 : std::atoi(times));
  while (comparison.answered < wanted || !engine.idle()) {
    while (comparison.answered < wanted && comparison.running() < 7 && requests.between(0, 2) == 0)
      comparison.submit(engine, requests.next());
    if (requests.between(0, 50) == 0) comparison.cancel_oldest(engine);
    ASSERT_NO_FATAL_FAILURE(comparison.step(engine));
    if (bytes > 0) {
      ASSERT_LE(engine.figures().cache_bytes, bytes);
    }
  }
  const EngineFigures figures = engine.figures();
  if (GetParam().always) {
    EXPECT_GT(figures.drafted, figures.sampled_tokens / 2) << "or the test shows little";
    EXPECT_GT(figures.accepted, figures.sampled_tokens / 100) << "both must happen: right guesses";
    EXPECT_LT(figures.accepted, figures.drafted) << "and wrong ones";
  }
  RecordProperty("sampled", static_cast<int>(figures.sampled_tokens));
  RecordProperty("drafted", static_cast<int>(figures.drafted));
  RecordProperty("accepted", static_cast<int>(figures.accepted));
}

constexpr const char* kTinyFlash = FATHOM_TEST_DATA "/tiny-flash";
constexpr const char* kMinnow = FATHOM_SOURCE "/models/minnow";

INSTANTIATE_TEST_SUITE_P(Cases, EngineDraftsProperty,
                         ::testing::Values(DraftCase{"tiny_flash", kTinyFlash, 7, true, false, 0, 200, 40},
                                           DraftCase{"tiny_flash_prefix", kTinyFlash, 5, true, true, 0, 200, 40},
                                           DraftCase{"tiny_flash_memory", kTinyFlash, 3, true, true, 4, 150, 40},
                                           DraftCase{"tiny_flash_as_it_pays", kTinyFlash, 7, false, true, 0, 150, 40},
                                           DraftCase{"minnow", kMinnow, 7, true, true, 0, 60, 60},
                                           DraftCase{"minnow_as_it_pays", kMinnow, 7, false, true, 0, 60, 60}),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace fathom::testing
