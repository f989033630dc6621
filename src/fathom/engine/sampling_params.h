// What one request asks of the sampler. Plain data with the hosted API's defaults.
#pragma once

#include <cstdint>
#include <vector>

namespace fathom {

struct SamplingParams {
  double temperature = 1.0;                    // 0: greedy, the largest logit, equal logits to the lower id
  double top_p = 1.0;                          // smallest set of best tokens whose probability reaches it; 1: all
  std::int64_t top_k = 0;                      // that many best tokens; 0: all
  double min_p = 0.0;                          // tokens at least this share of the best one's probability; 0: all
  std::uint64_t seed = 0;                      // same seed, same tokens, whatever else runs
  std::int64_t max_tokens = 256;               // sampled at most
  std::int64_t top_logprobs = -1;              // -1: none; n: the chosen token's and the n best tokens'
  std::vector<std::int32_t> stop_tokens = {};  // ending the sequence, themselves included in it

  // InputError naming the field, its value and its range.
  void validate() const;
};

}  // namespace fathom
