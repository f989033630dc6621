#include "fathom/backends/cpu/kernels/streams.h"

#include "fathom/backends/cpu/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fathom/backends/cpu/kernels/streams.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "fathom/backends/cpu/kernels/wide_inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

void CollapseToken(const float* streams, const float* pre, std::int64_t count, std::int64_t channels, float* out) {
  for (std::int64_t channel = 0; channel < channels; channel += kLanes) {
    const std::int64_t left = channels - channel;
    Part sum = zero_part();
    for (std::int64_t stream = 0; stream < count; ++stream)
      sum = multiply_add(set_part(pre[stream]), load_first(streams + stream * channels + channel, left), sum);
    store_first(sum, out + channel, left);
  }
}

// kStreams: known to the compiler, so that a part of every stream stays in a register; 0: `count`, by way of memory.
template <int kStreams>
HWY_INLINE void expand_some(const ExpandedToken& token, std::int64_t channel, std::int64_t left) {
  const std::int64_t count = kStreams == 0 ? token.count : kStreams;
  Part held[kStreams == 0 ? 1 : kStreams];
  HWY_UNROLL(16)
  for (std::int64_t from = 0; from < count; ++from) {
    const Part part = load_first(token.streams + from * token.channels + channel, left);
    if constexpr (kStreams == 0) {
      store_part(part, token.old + from * kLanes);
    } else {
      held[from] = part;
    }
  }
  const Part fresh = load_first(token.y + channel, left);
  HWY_UNROLL(16)
  for (std::int64_t to = 0; to < count; ++to) {
    Part sum = zero_part();
    HWY_UNROLL(16)
    for (std::int64_t from = 0; from < count; ++from) {
      const Part part = kStreams == 0 ? load_part(token.old + from * kLanes) : held[kStreams == 0 ? 0 : from];
      sum = multiply_add(set_part(token.comb[from * count + to]), part, sum);
    }
    store_first(multiply_add(set_part(token.post[to]), fresh, sum), token.streams + to * token.channels + channel,
                left);
  }
}

template <int kStreams>
HWY_INLINE void expand_all(const ExpandedToken& token) {
  std::int64_t channel = 0;
  for (; channel + kLanes <= token.channels; channel += kLanes) expand_some<kStreams>(token, channel, kLanes);
  if (channel < token.channels) expand_some<kStreams>(token, channel, token.channels - channel);
}

void ExpandToken(const ExpandedToken& token) {
  if (token.count == 4) return expand_all<4>(token);  // the released models
  expand_all<0>(token);
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom {

HWY_EXPORT(CollapseToken);
HWY_EXPORT(ExpandToken);

void collapse_token(const float* streams, const float* pre, std::int64_t count, std::int64_t channels, float* out) {
  HWY_DYNAMIC_DISPATCH(CollapseToken)(streams, pre, count, channels, out);
}

void expand_token(const ExpandedToken& token) { HWY_DYNAMIC_DISPATCH(ExpandToken)(token); }

}  // namespace fathom
#endif
