// For tests of the model's parts: one step of a small model at hand, every operation recorded.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "fathom/backends/reference/reference_backend.h"
#include "fathom/model/step.h"
#include "fathom/model/transformer.h"
#include "fathom/model/weights.h"
#include "tests/model/recording_support.h"
#include "tests/model/small_model.h"

namespace fathom::testing {

// What an observer was shown.
class SeenByObserver final : public ForwardObserver {
 public:
  void on_streams(std::int64_t block, View<const float, 3> rows) override {
    streams.emplace_back(block, std::vector<float>(rows.span().begin(), rows.span().end()));
  }
  void on_route(std::int64_t block, const RouteArgs& route) override {
    routes.emplace_back(block, std::vector<std::int32_t>(route.selected.span().begin(), route.selected.span().end()));
  }
  void on_index(std::int64_t block, const IndexTopKArgs& index) override {
    indexes.emplace_back(block, std::vector<std::int32_t>(index.selected.span().begin(), index.selected.span().end()));
  }

  std::vector<std::pair<std::int64_t, std::vector<float>>> streams;
  std::vector<std::pair<std::int64_t, std::vector<std::int32_t>>> routes;
  std::vector<std::pair<std::int64_t, std::vector<std::int32_t>>> indexes;
};

// A part of the model gets a Step, as Transformer would make it, and random input.
class PartTest : public ::testing::Test {
 protected:
  explicit PartTest(CacheStorage storage = CacheStorage::released, const ModelConfig& config = small_config());

  // The next step: one run of that length for each sequence, from where the last step ended.
  Step next_step(const std::vector<std::int64_t>& lengths);
  // The sequences are as long as the last step made them.
  void end_step();
  // The coming steps begin at position 0 again.
  void forget_sequences() { sequences_.clear(); }

  View<float, 2> random_rows(std::int64_t rows, std::int64_t columns);
  std::vector<float> floats(const std::string& name) const { return checkpoint_->floats(name); }
  // The weight of a linear map, widened: [out, in].
  std::vector<float> matrix(const std::string& name);

  const SmallModel model_;
  std::shared_ptr<const Checkpoint> checkpoint_ = model_.checkpoint();
  const ModelConfig& config_ = checkpoint_->config();
  ReferenceBackend inner_;
  RecordingBackend recorder_{inner_, *checkpoint_};
  ModelWeights weights_ = load_weights(*checkpoint_, recorder_);
  CacheLayout layout_;
  Arena arena_{host_allocator()};
  SeenByObserver seen_;
  std::mt19937_64 random_{4};

 private:
  RotaryAngles angles(const std::vector<std::int64_t>& positions, const std::vector<float>& frequencies);

  std::vector<std::unique_ptr<SequenceCache>> sequences_;
  std::vector<SequenceCache*> caches_;
  std::vector<fathom::Run> runs_;
  std::vector<std::int32_t> ids_;
};

// A whole small model on the recording backend.
class RecordedModelTest : public ::testing::Test {
 protected:
  explicit RecordedModelTest(const ModelConfig& config = small_config());

  // Feeds `count` tokens from `first` on of one fixed random text to `cache`; logits as `logits_from` says.
  std::vector<float> feed(SequenceCache& cache, std::int64_t count, std::int64_t logits_from = 0);
  std::int32_t id_at(std::int64_t position) const { return ids_.at(static_cast<std::size_t>(position)); }

  const SmallModel model_;
  const ModelConfig& config_ = model_.checkpoint()->config();
  ReferenceBackend inner_;
  RecordingBackend recorder_{inner_, *model_.checkpoint()};
  Transformer transformer_{model_.checkpoint(), recorder_, {}};
  std::vector<std::int32_t> ids_;  // [max_positions]
};

// Cosines and sines of positions[row] * frequencies[pair], in double precision: [rows, pairs].
std::vector<double> cosines(const std::vector<std::int64_t>& positions, const std::vector<double>& frequencies);

// The report's frequencies in double precision; YaRN with its ramp written out.
std::vector<double> plain_formula(std::int64_t rope_dim, double theta);
std::vector<double> yarn_formula(std::int64_t rope_dim, double theta, const YarnConfig& yarn);

// Every value within `tolerance`; says where the first one is not.
template <typename Expected>
void expect_close(const std::vector<float>& found, const std::vector<Expected>& expected, double tolerance,
                  const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (std::size_t index = 0; index < found.size(); ++index)
    ASSERT_NEAR(static_cast<double>(found[index]), static_cast<double>(expected[index]), tolerance)
        << what << ", value " << index;
}

}  // namespace fathom::testing
