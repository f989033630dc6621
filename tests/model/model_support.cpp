#include "tests/model/model_support.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "fathom/spec/rotary.h"

namespace fathom::testing {

PartTest::PartTest(CacheStorage storage, const ModelConfig& config)
    : model_(config), layout_(make_cache_layout(config_, storage)) {}

RotaryAngles PartTest::angles(const std::vector<std::int64_t>& positions, const std::vector<float>& frequencies) {
  const auto rows = std::ssize(positions);
  const auto pairs = std::ssize(frequencies);
  const auto cosine = arena_.take<float, 2>({rows, pairs});
  const auto sine = arena_.take<float, 2>({rows, pairs});
  inner_.rotary_table({.positions = positions,
                       .frequencies = View<const float, 1>(frequencies.data(), {pairs}),
                       .cosine = cosine,
                       .sine = sine});
  return {cosine, sine};
}

Step PartTest::next_step(const std::vector<std::int64_t>& lengths) {
  while (sequences_.size() < lengths.size())
    sequences_.push_back(std::make_unique<SequenceCache>(layout_, host_allocator()));
  runs_.clear();
  caches_.clear();
  ids_.clear();
  std::vector<std::int64_t> positions;
  for (std::size_t index = 0; index < lengths.size(); ++index) {
    SequenceCache& cache = *sequences_[index];
    const std::int64_t start = cache.tokens();
    cache.reserve(start + lengths[index]);
    caches_.push_back(&cache);
    runs_.push_back({.first_row = std::ssize(ids_), .tokens = lengths[index], .start = start});
    for (std::int64_t token = 0; token < lengths[index]; ++token) {
      positions.push_back(start + token);
      ids_.push_back(static_cast<std::int32_t>(random_() % static_cast<std::uint64_t>(config_.vocab)));
    }
  }
  const auto plain = rotary_frequencies(config_.rope_dim, config_.rope_theta);
  const auto compressed = yarn_frequencies(config_.rope_dim, config_.compress_rope_theta, config_.yarn);
  Step step{.backend = recorder_,
            .arena = arena_,
            .runs = runs_,
            .caches = caches_,
            .ids = ids_,
            .plain = angles(positions, plain),
            .compressed = angles(positions, compressed),
            .entry_angles = {},
            .observer = &seen_};
  for (const std::int64_t ratio : {4, 6}) {
    std::vector<std::int64_t> firsts;  // of the blocks that this step completes
    for (const fathom::Run& run : runs_)
      for (std::int64_t position = run.start; position < run.start + run.tokens; ++position)
        if ((position + 1) % ratio == 0) firsts.push_back(position + 1 - ratio);
    step.entry_angles.push_back({.ratio = ratio, .entries = std::ssize(firsts), .angles = angles(firsts, compressed)});
  }
  return step;
}

void PartTest::end_step() {
  for (std::size_t index = 0; index < runs_.size(); ++index)
    caches_[index]->set_tokens(runs_[index].start + runs_[index].tokens);
}

View<float, 2> PartTest::random_rows(std::int64_t rows, std::int64_t columns) {
  const auto result = arena_.take<float, 2>({rows, columns});
  std::normal_distribution<float> normal;
  for (float& value : result.span()) value = normal(random_);
  return result;
}

std::vector<float> PartTest::matrix(const std::string& name) {
  const WeightView view = checkpoint_->linear(name);
  const auto weight = inner_.prepare(view);
  // The product with the unit matrix, transposed.
  std::vector<float> unit(static_cast<std::size_t>(view.in * view.in));
  for (std::int64_t column = 0; column < view.in; ++column) unit[column * view.in + column] = 1.0F;
  std::vector<float> product(static_cast<std::size_t>(view.in * view.out));
  inner_.linear({.weight = *weight,
                 .x = View<const float, 2>(unit.data(), {view.in, view.in}),
                 .out = View<float, 2>(product.data(), {view.in, view.out})});
  std::vector<float> result(product.size());
  for (std::int64_t row = 0; row < view.out; ++row)
    for (std::int64_t column = 0; column < view.in; ++column)
      result[row * view.in + column] = product[column * view.out + row];
  return result;
}

RecordedModelTest::RecordedModelTest(const ModelConfig& config) : model_(config) {
  std::mt19937_64 random(9);
  for (std::int64_t position = 0; position < config_.max_positions; ++position)
    ids_.push_back(static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(config_.vocab)));
}

std::vector<float> RecordedModelTest::feed(SequenceCache& cache, std::int64_t count, std::int64_t logits_from) {
  const BatchRun run{
      .cache = &cache,
      .ids = std::span(ids_).subspan(static_cast<std::size_t>(cache.tokens()), static_cast<std::size_t>(count)),
      .logits_from = logits_from};
  const auto logits = transformer_.forward({&run, 1});
  return {logits.span().begin(), logits.span().end()};
}

std::vector<double> cosines(const std::vector<std::int64_t>& positions, const std::vector<double>& frequencies) {
  std::vector<double> result;
  for (const std::int64_t position : positions)
    for (const double frequency : frequencies) result.push_back(std::cos(static_cast<double>(position) * frequency));
  return result;
}

std::vector<double> plain_formula(std::int64_t rope_dim, double theta) {
  std::vector<double> frequencies;
  for (std::int64_t pair = 0; pair < rope_dim / 2; ++pair)
    frequencies.push_back(std::pow(theta, -2.0 * static_cast<double>(pair) / static_cast<double>(rope_dim)));
  return frequencies;
}

std::vector<double> yarn_formula(std::int64_t rope_dim, double theta, const YarnConfig& yarn) {
  const auto boundary = [&](double beta) {
    const double wavelength = static_cast<double>(yarn.original_max_positions) / (beta * 2.0 * std::numbers::pi);
    return static_cast<double>(rope_dim) * std::log(wavelength) / (2.0 * std::log(theta));
  };
  const double low = std::max(0.0, std::floor(boundary(yarn.beta_fast)));
  const double high = std::min(static_cast<double>(rope_dim - 1), std::ceil(boundary(yarn.beta_slow)));
  std::vector<double> frequencies = plain_formula(rope_dim, theta);
  for (std::size_t pair = 0; pair < frequencies.size(); ++pair) {
    const double smooth = 1.0 - std::clamp((static_cast<double>(pair) - low) / (high - low), 0.0, 1.0);
    frequencies[pair] = frequencies[pair] / yarn.factor * (1.0 - smooth) + frequencies[pair] * smooth;
  }
  return frequencies;
}

}  // namespace fathom::testing
