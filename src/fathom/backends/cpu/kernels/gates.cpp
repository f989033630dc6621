#include "fathom/backends/cpu/kernels/gates.h"

#include "fathom/backends/cpu/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fathom/backends/cpu/kernels/gates.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "fathom/backends/cpu/kernels/wide_inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

// Eight lanes at most: a division of sixteen takes as long as two of eight, and a single token needs one lane.
using TokenLanes = hn::CappedTag<float, kGateTokens>;
using Tokens = hn::Vec<TokenLanes>;

inline constexpr std::int64_t kTokenLanes = static_cast<std::int64_t>(hn::MaxLanes(TokenLanes()));

// The values of `count` indices, passed through body(part).
template <typename Body>
HWY_INLINE void for_each_part(float* values, std::int64_t count, const Body& body) {
  const std::int64_t size = count * kGateTokens;
  for (std::int64_t first = 0; first < size; first += kLanes)
    store_first(body(load_first(values + first, size - first)), values + first, size - first);
}

HWY_INLINE Part sigmoid_part(Part x) { return hn::Div(set_part(1.0F), hn::Add(set_part(1.0F), exp_part(hn::Neg(x)))); }

// A line of comb: a row, or a column.
struct Line {
  float* first = nullptr;
  std::int64_t step = 0;
  std::int64_t count = 0;

  HWY_INLINE Tokens at(std::int64_t index) const { return hn::LoadU(TokenLanes(), first + index * step); }
  HWY_INLINE void set(std::int64_t index, Tokens value) const { hn::StoreU(value, TokenLanes(), first + index * step); }
  HWY_INLINE Tokens sum() const {
    Tokens result = hn::Zero(TokenLanes());
    for (std::int64_t index = 0; index < count; ++index) result = hn::Add(result, at(index));
    return result;
  }
};

// What a softmax over the line has above its fraction.
HWY_INLINE void subtract_largest(const Line& line) {
  Tokens largest = line.at(0);
  for (std::int64_t index = 1; index < line.count; ++index) {
    const Tokens value = line.at(index);
    largest = hn::IfThenElse(hn::Lt(largest, value), value, largest);
  }
  for (std::int64_t index = 0; index < line.count; ++index) line.set(index, hn::Sub(line.at(index), largest));
}

HWY_INLINE void finish_softmax(const Line& line, float eps) {
  const Tokens inverse = hn::Div(hn::Set(TokenLanes(), 1.0F), line.sum());
  for (std::int64_t index = 0; index < line.count; ++index)
    line.set(index, hn::Add(hn::Mul(line.at(index), inverse), hn::Set(TokenLanes(), eps)));
}

HWY_INLINE void normalise(const Line& line, float eps) {
  const Tokens sum = hn::Add(line.sum(), hn::Set(TokenLanes(), eps));
  for (std::int64_t index = 0; index < line.count; ++index) line.set(index, hn::Div(line.at(index), sum));
}

// comb[j, k]: softmax over k, + eps, columns normalised once; then rows and columns in turn, ending on columns.
HWY_INLINE void sinkhorn(float* comb, const GateLanes& gates) {
  const std::int64_t streams = gates.streams;
  const auto for_each_line = [&](bool rows, const auto& body) HWY_ATTR {
    for (std::int64_t token = 0; token < kGateTokens; token += kTokenLanes)
      for (std::int64_t index = 0; index < streams; ++index)
        body(Line{.first = comb + index * (rows ? streams : 1) * kGateTokens + token,
                  .step = (rows ? 1 : streams) * kGateTokens,
                  .count = streams});
  };
  const auto normalise_lines = [&](bool rows) HWY_ATTR {
    for_each_line(rows, [&](const Line& line) HWY_ATTR { normalise(line, gates.eps); });
  };
  for_each_line(true, [](const Line& line) HWY_ATTR { subtract_largest(line); });
  for_each_part(comb, streams * streams, [](Part part) HWY_ATTR { return exp_part(part); });
  for_each_line(true, [&](const Line& line) HWY_ATTR { finish_softmax(line, gates.eps); });
  normalise_lines(false);
  for (std::int64_t iteration = 1; iteration < gates.iterations; ++iteration) {
    normalise_lines(true);
    normalise_lines(false);
  }
}

void GateLanesKernel(const GateLanes& gates) {
  const std::int64_t streams = gates.streams;
  float* post = gates.values + streams * kGateTokens;
  for_each_part(gates.values, streams,
                [&](Part part) HWY_ATTR { return hn::Add(sigmoid_part(part), set_part(gates.eps)); });
  for_each_part(post, streams, [](Part part) HWY_ATTR { return hn::Mul(set_part(2.0F), sigmoid_part(part)); });
  sinkhorn(post + streams * kGateTokens, gates);
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom {

HWY_EXPORT(GateLanesKernel);

void hyper_connection_gate_lanes(const GateLanes& gates) { HWY_DYNAMIC_DISPATCH(GateLanesKernel)(gates); }

}  // namespace fathom
#endif
