// The trainer's network and the engine's are one: equal logits from one checkpoint, whoever wrote it.
#include <gtest/gtest.h>

#include <memory>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/backends/reference/reference_backend.h"
#include "fathom/model/transformer.h"
#include "fathom/trainer/transformer.h"
#include "tests/model/small_model.h"
#include "tests/trainer/trainer_support.h"

namespace fathom {
namespace {

using testing::SmallModel;
using testing::TemporaryFolder;
using train::testing::pack;
using train::testing::random_ids;

struct Logits {
  torch::Tensor trunk;  // [tokens, vocab]
  torch::Tensor mtp;    // [tokens - 1, vocab]
};

torch::Tensor copied(Backend& backend, View<const float, 2> values) {
  torch::Tensor result = torch::empty({values.extent(0), values.extent(1)});
  backend.download(
      reinterpret_cast<const std::byte*>(values.data()),
      std::as_writable_bytes(std::span(result.data_ptr<float>(), static_cast<std::size_t>(result.numel()))));
  return result;
}

Logits engine_logits(const std::filesystem::path& directory, Backend& backend, CacheStorage storage,
                     const std::vector<std::int32_t>& ids) {
  const auto checkpoint = std::make_shared<const Checkpoint>(Checkpoint::open(directory));
  Transformer transformer(checkpoint, backend, {.storage = storage});
  SequenceCache cache = transformer.make_cache();
  const BatchRun run{.cache = &cache, .ids = ids};
  Logits result;
  result.trunk = copied(backend, transformer.forward({&run, 1}));
  SequenceCache draft_cache = transformer.make_cache();
  const BatchRun draft{.cache = &draft_cache, .ids = std::span(ids).subspan(1)};
  result.mtp =
      copied(backend, transformer.draft({&draft, 1}, transformer.final_streams().rows(0, std::ssize(ids) - 1)));
  return result;
}

Logits trainer_logits(const train::Parameters& parameters, const std::vector<std::int32_t>& ids,
                      const train::ForwardOptions& options) {
  const torch::NoGradGuard no_gradients;
  const auto tokens = std::ssize(ids);
  const PackedRow row = pack({ids}, (tokens + 127) / 128 * 128);
  const auto batch = train::make_batch({&row, 1}, parameters.config(), torch::kCPU);
  const auto outputs = train::Transformer(parameters).forward(batch, options);
  return {.trunk = outputs.logits[0].narrow(0, 0, tokens), .mtp = outputs.mtp_logits[0].narrow(0, 0, tokens - 1)};
}

struct Apart {
  double largest = 0;
  double mean = 0;
};

Apart apart(const torch::Tensor& found, const torch::Tensor& expected) {
  const torch::Tensor difference = (found - expected).abs();
  return {difference.max().item<double>(), difference.mean().item<double>()};
}

void expect_within(const Logits& found, const Logits& expected, const Apart& limit, const std::string& what) {
  for (const auto& [name, apart] : {std::pair{"logits", apart(found.trunk, expected.trunk)},
                                    std::pair{"mtp logits", apart(found.mtp, expected.mtp)}}) {
    std::printf("%s, %s: max %.1e mean %.1e\n", what.c_str(), name, apart.largest, apart.mean);
    EXPECT_LE(apart.largest, limit.largest) << what << ", " << name;
    EXPECT_LE(apart.mean, limit.mean) << what << ", " << name;
  }
  EXPECT_GT(expected.trunk.std().item<double>(), 0.05) << "logits that say nothing agree with anything";
}

constexpr Apart kExact{.largest = 1e-4, .mean = 1e-5};

class Parity : public ::testing::Test {
 protected:
  void expect_exact(const std::filesystem::path& directory, const train::Parameters& parameters) {
    const auto ids = random_ids(150, parameters.config().vocab, 3);
    const Logits trainer = trainer_logits(parameters, ids, {});
    expect_within(trainer, engine_logits(directory, reference_, CacheStorage::float32, ids), kExact, "reference");
    expect_within(trainer, engine_logits(directory, cpu_, CacheStorage::float32, ids), kExact, "cpu");
  }

  ReferenceBackend reference_;
  CpuBackend cpu_{{.threads = 1}};
};

// Odd sizes of everything, an HCA ratio of 6, three streams.
TEST_F(Parity, TheTrainerReadsWhatTheEngineReads) {
  const SmallModel model(testing::small_config());
  expect_exact(model.directory(), train::Parameters::load(*model.checkpoint(), torch::kCPU));
}

// Random parameters, moved a little as training would move norms, biases and gates too.
train::Parameters trained_parameters(const ModelConfig& config) {
  const torch::NoGradGuard no_gradients;
  train::Parameters parameters = train::Parameters::random(config, 5, torch::kCPU);
  std::uint64_t seed = 0;
  for (train::Parameter& parameter : parameters.all())
    parameter.value.add_(train::testing::normal(parameter.value.sizes(), ++seed).detach(), 0.15);
  return parameters;
}

TEST_F(Parity, TheEngineReadsWhatTheTrainerWrites) {
  const TemporaryFolder folder;
  const train::Parameters parameters = trained_parameters(testing::small_config());
  parameters.write(folder.path() / "model", true);
  expect_exact(folder.path() / "model", parameters);
}

// The last stage trains what is exported: masters through fake quantisation are the released file in the released
// cache. Both round the same values, but float32 sums in another order reach the roundings: one that falls the other
// way moves its row, as between the oracle's own prefill and decode.
TEST_F(Parity, ReleasedPrecisionIsWhatTheEngineRuns) {
  const TemporaryFolder folder;
  const train::Parameters parameters = trained_parameters(testing::small_config());
  parameters.write(folder.path() / "model", false);
  const auto ids = random_ids(150, parameters.config().vocab, 3);
  train::ForwardOptions options;
  options.released_precision = true;
  const Logits trainer = trainer_logits(parameters, ids, options);
  const Logits engine = engine_logits(folder.path() / "model", reference_, CacheStorage::released, ids);
  expect_within(trainer, engine, {.largest = 5e-2, .mean = 1e-4}, "released");
  const Logits smooth = trainer_logits(parameters, ids, {});
  EXPECT_GT(apart(smooth.trunk, engine.trunk).mean, 1e-3) << "the release rounds visibly";
}

}  // namespace
}  // namespace fathom
