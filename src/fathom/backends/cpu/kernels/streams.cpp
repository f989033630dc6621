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

void ExpandToken(const float* y, const float* post, const float* comb, std::int64_t count, std::int64_t channels,
                 float* old, float* streams) {
  for (std::int64_t channel = 0; channel < channels; channel += kLanes) {
    const std::int64_t left = channels - channel;
    for (std::int64_t from = 0; from < count; ++from)
      store_part(load_first(streams + from * channels + channel, left), old + from * kLanes);
    const Part fresh = load_first(y + channel, left);
    for (std::int64_t to = 0; to < count; ++to) {
      Part sum = zero_part();
      for (std::int64_t from = 0; from < count; ++from)
        sum = multiply_add(set_part(comb[from * count + to]), load_part(old + from * kLanes), sum);
      store_first(multiply_add(set_part(post[to]), fresh, sum), streams + to * channels + channel, left);
    }
  }
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

void expand_token(const float* y, const float* post, const float* comb, std::int64_t count, std::int64_t channels,
                  float* old, float* streams) {
  HWY_DYNAMIC_DISPATCH(ExpandToken)(y, post, comb, count, channels, old, streams);
}

}  // namespace fathom
#endif
