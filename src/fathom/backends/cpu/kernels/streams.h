// Hyper-connection streams of one token, mixed channel by channel. Sums run over the streams ascending.
#pragma once

#include <cstdint>

namespace fathom {

// out[c] = sum_i pre[i] * streams[i, c]
void collapse_token(const float* streams, const float* pre, std::int64_t count, std::int64_t channels, float* out);

// streams'[k, c] = post[k] * y[c] + sum_i comb[i, k] * streams[i, c]
struct ExpandedToken {
  const float* y = nullptr;     // [channels]
  const float* post = nullptr;  // [count]
  const float* comb = nullptr;  // [count, count]
  std::int64_t count = 0;
  std::int64_t channels = 0;
  float* old = nullptr;      // scratch, 16 * count floats
  float* streams = nullptr;  // [count, channels], in place
};

void expand_token(const ExpandedToken& token);

}  // namespace fathom
