#include "fathom/spec/rotary.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fathom {
namespace {

// The pair whose wave turns `turns` times over the original context.
double ramp_pair(std::int64_t rope_dim, double theta, const YarnConfig& yarn, double turns) {
  return static_cast<double>(rope_dim) *
         std::log(static_cast<double>(yarn.original_max_positions) / (turns * 2.0 * std::numbers::pi)) /
         (2.0 * std::log(theta));
}

}  // namespace

// Note [Rounded as released]: the release computes these in float32, and at position 390 one unit in the last place of
// a frequency already turns a key across a BF16 boundary. So every step below rounds where the release rounds.
std::vector<float> rotary_frequencies(std::int64_t rope_dim, double theta) {
  std::vector<float> frequencies;
  for (std::int64_t pair = 0; pair < rope_dim / 2; ++pair) {
    const float exponent = static_cast<float>(2 * pair) / static_cast<float>(rope_dim);
    frequencies.push_back(1.0F / static_cast<float>(std::pow(theta, static_cast<double>(exponent))));
  }
  return frequencies;
}

std::vector<float> yarn_frequencies(std::int64_t rope_dim, double theta, const YarnConfig& yarn) {
  std::vector<float> frequencies = rotary_frequencies(rope_dim, theta);
  if (yarn.factor == 1.0) return frequencies;
  const double last = static_cast<double>(rope_dim - 1);
  const double low = std::max(std::floor(ramp_pair(rope_dim, theta, yarn, yarn.beta_fast)), 0.0);
  double high = std::min(std::ceil(ramp_pair(rope_dim, theta, yarn, yarn.beta_slow)), last);
  if (low == high) high += 0.001;
  for (std::size_t pair = 0; pair < frequencies.size(); ++pair) {
    const float ramp =
        std::clamp((static_cast<float>(pair) - static_cast<float>(low)) / static_cast<float>(high - low), 0.0F, 1.0F);
    const float smooth = 1.0F - ramp;
    const float plain = frequencies[pair];
    frequencies[pair] = plain / static_cast<float>(yarn.factor) * (1.0F - smooth) + plain * smooth;
  }
  return frequencies;
}

}  // namespace fathom
