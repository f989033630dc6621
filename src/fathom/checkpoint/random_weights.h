// Random weights of any shape in the released format, in memory and at once: each tensor's bytes are a window into one
// random block of some MiB that is mapped again and again, from where the tensor's name says. To measure with: a large
// tensor repeats its rows, and tensors share bytes. Values lie as random_distribution.h says.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fathom/base/repeated_bytes.h"
#include "fathom/checkpoint/weight_source.h"

namespace fathom {

class RandomWeights final : public WeightSource {
 public:
  // The same config and seed give the same weights. InputError when the config cannot be.
  RandomWeights(const ModelConfig& config, std::uint64_t seed);

  const ModelConfig& config() const override { return config_; }
  WeightView linear(std::string_view name) const override;
  std::vector<float> floats(std::string_view name) const override;
  std::vector<std::int32_t> integers(std::string_view name) const override;

 private:
  // What a block is made of: values of one storage and deviation, or scales of codes for that deviation.
  struct Content {
    Storage storage = Storage::f32;
    bool scales = false;
    float deviation = 1.0F;
    auto operator<=>(const Content&) const = default;
  };

  static Content values_of(const TensorSpec& spec);
  static Content scales_of(const TensorSpec& spec);
  std::span<const std::byte> window(const Content& content, std::string_view name, std::int64_t bytes) const;
  const TensorSpec& spec_of(std::string_view name) const;

  ModelConfig config_;
  std::uint64_t seed_;
  std::vector<TensorSpec> table_;
  std::unordered_map<std::string, std::size_t> places_;  // in table_, by either name
  std::map<Content, RepeatedBytes> blocks_;
};

}  // namespace fathom
