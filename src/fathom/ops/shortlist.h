// The few tokens of a row of logits among which the sampler's choice certainly is. A backend finds them where the
// logits lie; the choice itself is made by the sampler from their exact logits, so that it is the same token to the
// bit.
#pragma once

#include <array>
#include <cstdint>

namespace fathom {

// How a row will be sampled: argmax of logit / temperature + G, with G of (place, token) as in ops/gumbel.h.
struct ShortlistRow {
  double temperature = 0.0;  // 0: the largest logit; else kLeastShortlistTemperature or more
  std::uint64_t place = 0;
};

// Below this a logit over the temperature is so large that rounding could exceed kShortlistMargin.
inline constexpr double kLeastShortlistTemperature = 1e-3;
// Tokens whose sum with G is within this of the largest are in the list. A backend's logarithm errs by some 1e-14 of
// numbers below 40, and a logit below 1e5 over the temperature is rounded by 1e-8 at most.
inline constexpr double kShortlistMargin = 1e-6;
inline constexpr double kMostShortlistLogit = 1e5;

struct Shortlist {
  static constexpr std::int32_t kMost = 12;

  std::int32_t count = -1;  // of tokens, in no order; -1: too many, or a logit that is too large or no number
  float largest = 0.0F;     // logit of the row
  float second = 0.0F;      // the largest of all others; minus infinity where there is none
  std::array<std::int32_t, kMost> tokens = {};
  std::array<float, kMost> logits = {};
};

}  // namespace fathom
