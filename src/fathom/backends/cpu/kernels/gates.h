// Hyper-connection gates of several tokens side by side: the Sinkhorn iterations are a long chain of divisions for
// each.
#pragma once

#include <cstdint>

namespace fathom {

inline constexpr std::int64_t kGateTokens = 8;

// values[index * kGateTokens + token], (2 + streams) * streams of them for a token: what mix, scale and base make, in;
// pre, post and comb of do_hyper_connection_gates, out. The bits of the plain loops.
struct GateLanes {
  float* values = nullptr;
  std::int64_t streams = 0;
  std::int64_t iterations = 0;
  float eps = 0.0F;
};

void hyper_connection_gate_lanes(const GateLanes& gates);

}  // namespace fathom
