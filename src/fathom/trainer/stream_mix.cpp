#include "fathom/trainer/stream_mix.h"

#include <ATen/Parallel.h>

#include <cstdint>

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FATHOM_VECTORISED __attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3")))
#else
#define FATHOM_VECTORISED
#endif

namespace fathom::train {
namespace {

using torch::Tensor;

constexpr std::int64_t kGrain = 64;  // tokens that are worth a thread
constexpr std::int64_t kLanes = 16;  // partial sums of a dot product

struct Extents {
  std::int64_t out = 0;
  std::int64_t in = 0;
  std::int64_t channels = 0;
};

template <typename T>
inline void mix_token(const T* weights, const T* streams, const Extents& extents, T* result) {
  for (std::int64_t to = 0; to < extents.out; ++to) {
    T* row = result + to * extents.channels;
    const T first = weights[to * extents.in];
    for (std::int64_t channel = 0; channel < extents.channels; ++channel) row[channel] = first * streams[channel];
    for (std::int64_t from = 1; from < extents.in; ++from) {
      const T weight = weights[to * extents.in + from];
      const T* stream = streams + from * extents.channels;
      for (std::int64_t channel = 0; channel < extents.channels; ++channel) row[channel] += weight * stream[channel];
    }
  }
}

template <typename T>
inline T dot(const T* left, const T* right, std::int64_t count) {
  T sums[kLanes] = {};
  std::int64_t index = 0;
  for (; index + kLanes <= count; index += kLanes)
    for (std::int64_t lane = 0; lane < kLanes; ++lane) sums[lane] += left[index + lane] * right[index + lane];
  T total = 0;
  for (; index < count; ++index) total += left[index] * right[index];
  for (const T sum : sums) total += sum;
  return total;
}

template <typename T>
inline void dot_token(const T* left, const T* right, const Extents& extents, T* result) {
  for (std::int64_t row = 0; row < extents.out; ++row)
    for (std::int64_t column = 0; column < extents.in; ++column)
      result[row * extents.in + column] =
          dot(left + row * extents.channels, right + column * extents.channels, extents.channels);
}

// Clones are made of these functions alone, so that each has its loops within.
FATHOM_VECTORISED void mix_tokens(const float* weights, const float* streams, const Extents& extents,
                                  std::int64_t tokens, float* result) {
  for (std::int64_t token = 0; token < tokens; ++token)
    mix_token(weights + token * extents.out * extents.in, streams + token * extents.in * extents.channels, extents,
              result + token * extents.out * extents.channels);
}
FATHOM_VECTORISED void dot_tokens(const float* left, const float* right, const Extents& extents, std::int64_t tokens,
                                  float* result) {
  for (std::int64_t token = 0; token < tokens; ++token)
    dot_token(left + token * extents.out * extents.channels, right + token * extents.in * extents.channels, extents,
              result + token * extents.out * extents.in);
}

bool has_own_loop(const Tensor& x) { return x.is_cpu() && x.scalar_type() == torch::kFloat32; }

}  // namespace

Tensor mix_streams(const Tensor& weights, const Tensor& streams) {
  if (!has_own_loop(streams)) return torch::bmm(weights, streams);
  const Tensor left = weights.contiguous();
  const Tensor right = streams.contiguous();
  const Extents extents{.out = left.size(1), .in = left.size(2), .channels = right.size(2)};
  Tensor result = torch::empty({left.size(0), extents.out, extents.channels}, right.options());
  at::parallel_for(0, left.size(0), kGrain, [&](std::int64_t begin, std::int64_t end) {
    mix_tokens(left.data_ptr<float>() + begin * extents.out * extents.in,
               right.data_ptr<float>() + begin * extents.in * extents.channels, extents, end - begin,
               result.data_ptr<float>() + begin * extents.out * extents.channels);
  });
  return result;
}

Tensor dot_streams(const Tensor& left_streams, const Tensor& right_streams) {
  if (!has_own_loop(left_streams)) return torch::bmm(left_streams, right_streams.transpose(1, 2));
  const Tensor left = left_streams.contiguous();
  const Tensor right = right_streams.contiguous();
  const Extents extents{.out = left.size(1), .in = right.size(1), .channels = left.size(2)};
  Tensor result = torch::empty({left.size(0), extents.out, extents.in}, left.options());
  at::parallel_for(0, left.size(0), kGrain, [&](std::int64_t begin, std::int64_t end) {
    dot_tokens(left.data_ptr<float>() + begin * extents.out * extents.channels,
               right.data_ptr<float>() + begin * extents.in * extents.channels, extents, end - begin,
               result.data_ptr<float>() + begin * extents.out * extents.in);
  });
  return result;
}

}  // namespace fathom::train
