// Hyper-connection streams of one token, mixed channel by channel. Sums run over the streams ascending.
#pragma once

#include <cstdint>

namespace fathom {

// out[c] = sum_i pre[i] * streams[i, c]
void collapse_token(const float* streams, const float* pre, std::int64_t count, std::int64_t channels, float* out);

// streams'[k, c] = post[k] * y[c] + sum_i comb[i, k] * streams[i, c]. In place; `old` holds 16 * count floats.
void expand_token(const float* y, const float* post, const float* comb, std::int64_t count, std::int64_t channels,
                  float* old, float* streams);

}  // namespace fathom
