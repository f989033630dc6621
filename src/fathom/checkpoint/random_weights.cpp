#include "fathom/checkpoint/random_weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "fathom/base/error.h"
#include "fathom/checkpoint/hash_table.h"
#include "fathom/checkpoint/random_distribution.h"
#include "fathom/checkpoint/random_values.h"
#include "fathom/tensor/numbers.h"

namespace fathom {
namespace {

constexpr std::size_t kBlockBytes = 128 * RepeatedBytes::kPage;  // more than a router's map has: no expert is another
// Of tensors as large as a head, whose rows should differ: a logit has few twins.
constexpr std::size_t kLargeBlockBytes = 4096 * RepeatedBytes::kPage;
constexpr std::int64_t kAlignment = 64;
// Of codes, before their scale: the largest draw, 4.9 deviations, still has a code of FP8, and 3 deviations one of FP4.
constexpr float kFp8Deviation = 64.0F;
constexpr float kFp4Deviation = 2.0F;

// Draws are made once, then picked by sixteen random bits each.
template <typename Element, typename Draw>
std::vector<std::byte> block_of(std::size_t bytes, RandomValues random, const Draw& draw) {
  constexpr std::size_t kDraws = std::size_t{1} << 16;
  std::vector<Element> draws(kDraws);
  for (Element& element : draws) element = draw(random);
  std::vector<Element> elements(bytes / sizeof(Element));
  static_assert(kBlockBytes / sizeof(Element) % 4 == 0);
  for (std::size_t place = 0; place < elements.size(); place += 4) {
    const std::uint64_t word = random.word();
    for (std::size_t part = 0; part < 4; ++part) elements[place + part] = draws[(word >> (16 * part)) % kDraws];
  }
  std::vector<std::byte> block(bytes);
  std::memcpy(block.data(), elements.data(), bytes);
  return block;
}

std::vector<std::byte> values_block(std::size_t bytes, Storage storage, float deviation, const RandomValues& random) {
  switch (storage) {
    case Storage::f32:
      return block_of<float>(bytes, random, [&](RandomValues& values) { return deviation * values.normal(); });
    case Storage::bf16:
      return block_of<std::uint16_t>(bytes, random,
                                     [&](RandomValues& values) { return float_to_bf16(deviation * values.normal()); });
    case Storage::fp8_block:
      return block_of<std::uint8_t>(
          bytes, random, [](RandomValues& values) { return float_to_e4m3(kFp8Deviation * values.normal()); });
    case Storage::fp4_group:
      return block_of<std::uint8_t>(bytes, random, [](RandomValues& values) {
        const std::uint8_t low = float_to_e2m1(kFp4Deviation * values.normal());
        return static_cast<std::uint8_t>(low | float_to_e2m1(kFp4Deviation * values.normal()) << 4);
      });
    default: throw InternalError("[random] {} is no linear's storage", name_of(storage));
  }
}

// Two neighbouring powers of two, drawn so that the mean square is as wanted.
std::vector<std::byte> scales_block(float scale, const RandomValues& random) {
  const int exponent = static_cast<int>(std::floor(std::log2(scale)));
  const float lower = std::ldexp(1.0F, exponent);
  const float share = (scale / lower * (scale / lower) - 1.0F) / 3.0F;  // of the upper one
  const auto code = static_cast<std::uint8_t>(127 + exponent);
  return block_of<std::uint8_t>(kBlockBytes, random, [&](RandomValues& values) {
    constexpr std::int64_t kParts = 1 << 20;
    const bool upper = static_cast<float>(values.below(kParts)) < share * static_cast<float>(kParts);
    return static_cast<std::uint8_t>(upper ? code + 1 : code);
  });
}

}  // namespace

RandomWeights::Content RandomWeights::values_of(const TensorSpec& spec) {
  const bool coded = spec.released == Storage::fp8_block || spec.released == Storage::fp4_group;
  return {.storage = spec.released, .deviation = coded ? 1.0F : random_distribution(spec).deviation};
}

RandomWeights::Content RandomWeights::scales_of(const TensorSpec& spec) {
  return {.storage = spec.released, .scales = true, .deviation = random_distribution(spec).deviation};
}

RandomWeights::RandomWeights(const ModelConfig& config, std::uint64_t seed)
    : config_(config), seed_(seed), table_(tensor_table(config)) {
  std::map<Content, std::int64_t> largest;
  for (std::size_t place = 0; place < table_.size(); ++place) {
    const TensorSpec& spec = table_[place];
    places_.emplace(spec.name, place);
    places_.emplace(values_name(spec), place);
    if (!spec.linear && spec.role != TensorRole::hc_mix) continue;
    const std::vector<StoredTensor> stored = stored_tensors(spec, spec.released);
    std::int64_t& values = largest[values_of(spec)];
    values = std::max(values, stored[0].bytes());
    if (stored.size() < 2) continue;
    std::int64_t& scales = largest[scales_of(spec)];
    scales = std::max(scales, stored[1].bytes());
  }
  for (const auto& [content, bytes] : largest) {
    const RandomValues random(
        seed, fmt::format("{} {} {}", static_cast<int>(content.storage), content.scales, content.deviation));
    const float code_deviation = content.storage == Storage::fp8_block ? kFp8Deviation : kFp4Deviation;
    const std::size_t repeated = static_cast<std::size_t>(bytes) > kLargeBlockBytes ? kLargeBlockBytes : kBlockBytes;
    const std::vector<std::byte> block = content.scales
                                             ? scales_block(content.deviation / code_deviation, random)
                                             : values_block(repeated, content.storage, content.deviation, random);
    blocks_.emplace(content, RepeatedBytes(block, static_cast<std::size_t>(bytes) + kBlockBytes));
  }
}

const TensorSpec& RandomWeights::spec_of(std::string_view name) const {
  const auto found = places_.find(std::string(name));
  if (found == places_.end()) throw InternalError("[random] {} is in no table of tensors", name);
  return table_[found->second];
}

std::span<const std::byte> RandomWeights::window(const Content& content, std::string_view name,
                                                 std::int64_t bytes) const {
  const std::int64_t offset = RandomValues(seed_, name).below(kBlockBytes / kAlignment) * kAlignment;
  return blocks_.at(content).bytes().subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(bytes));
}

WeightView RandomWeights::linear(std::string_view name) const {
  const TensorSpec& spec = spec_of(name);
  WeightView view = weight_layout(spec, spec.released);
  const std::vector<StoredTensor> stored = stored_tensors(spec, spec.released);
  view.data = window(values_of(spec), stored[0].name, stored[0].bytes());
  if (stored.size() > 1) view.scale = window(scales_of(spec), stored[1].name, stored[1].bytes());
  return view;
}

std::vector<float> RandomWeights::floats(std::string_view name) const {
  const TensorSpec& spec = spec_of(name);
  const RandomDistribution distribution = random_distribution(spec);
  RandomValues random(seed_, name);
  std::vector<float> values(static_cast<std::size_t>(spec.elements()));
  for (float& value : values) value = distribution.draw(random);
  return values;
}

std::vector<std::int32_t> RandomWeights::integers(std::string_view name) const {
  const std::vector<std::int64_t> table = random_hash_table(config_, seed_, name);
  return {table.begin(), table.end()};
}

}  // namespace fathom
