// Hyper-connections: gates of one token, and the mixing of streams.
#include <algorithm>
#include <cmath>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/backends/cpu/kernels/rows.h"
#include "fathom/backends/cpu/kernels/streams.h"
#include "fathom/ops/released_arithmetic.h"

namespace fathom {
namespace {

constexpr std::int64_t kGateWork = 4096;  // exponentials and the Sinkhorn iterations, beside the norm

float inverse_rms(View<const float, 2> streams, float eps) {
  const float mean = sum_squares_row(streams.data(), streams.size()) / static_cast<float>(streams.size());
  return 1.0F / std::sqrt(mean + eps);
}

// Divides each column, or each row, by its sum + eps. Sums run in ascending order.
void normalise(View<float, 2> comb, bool rows, float eps) {
  const std::int64_t streams = comb.extent(0);
  float* values = comb.data();
  const std::int64_t outer_step = rows ? streams : 1;
  const std::int64_t inner_step = rows ? 1 : streams;
  for (std::int64_t outer = 0; outer < streams; ++outer) {
    float* line = values + outer * outer_step;
    float sum = 0.0F;
    for (std::int64_t inner = 0; inner < streams; ++inner) sum += line[inner * inner_step];
    for (std::int64_t inner = 0; inner < streams; ++inner) line[inner * inner_step] /= sum + eps;
  }
}

// comb[j, k]: softmax over k, + eps, columns normalised once; then rows and columns in turn, ending on columns.
void sinkhorn(View<float, 2> comb, std::int64_t iterations, float eps) {
  for (std::int64_t row = 0; row < comb.extent(0); ++row) {
    const auto line = comb[row].span();
    const float largest = *std::max_element(line.begin(), line.end());
    float sum = 0.0F;
    for (float& value : line) {
      value = released_exp(value - largest);
      sum += value;
    }
    for (float& value : line) value = value * (1.0F / sum) + eps;
  }
  normalise(comb, false, eps);
  for (std::int64_t iteration = 1; iteration < iterations; ++iteration) {
    normalise(comb, true, eps);
    normalise(comb, false, eps);
  }
}

}  // namespace

void CpuBackend::do_hyper_connection_gates(const HyperConnectionGatesArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  for_each(tokens, streams * channels + kGateWork, [&, count = streams](std::int64_t token, Arena& scratch) {
    const float r = inverse_rms(args.streams[token], args.norm_eps);
    const float eps = args.eps;
    const auto gate = [&](std::int64_t index, std::int64_t part) {
      return args.mix[token][index] * r * args.scale[part] + args.base[index];
    };
    for (std::int64_t stream = 0; stream < count; ++stream) {
      args.pre[token][stream] = released_sigmoid(gate(stream, 0)) + eps;
      args.post[token][stream] = 2.0F * released_sigmoid(gate(count + stream, 1));
    }
    const Arena::Scope scope(scratch);
    const auto comb = scratch.take<float, 2>({count, count});
    for (std::int64_t index = 0; index < count * count; ++index) comb.data()[index] = gate(2 * count + index, 2);
    sinkhorn(comb, args.iterations, eps);
    std::copy_n(comb.data(), count * count, args.comb[token].data());
  });
}

void CpuBackend::do_hyper_connection_head(const HyperConnectionHeadArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  for_each(tokens, streams * channels, [&, count = streams](std::int64_t token, Arena&) {
    const float r = inverse_rms(args.streams[token], args.norm_eps);
    for (std::int64_t stream = 0; stream < count; ++stream) {
      const float gate = args.mix[token][stream] * r * args.scale[0] + args.base[stream];
      args.pre[token][stream] = released_sigmoid(gate) + args.eps;
    }
  });
}

void CpuBackend::do_collapse_streams(const CollapseStreamsArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  for_each(tokens, streams * channels, [&, count = streams, width = channels](std::int64_t token, Arena&) {
    collapse_token(args.streams[token].data(), args.pre[token].data(), count, width, args.out[token].data());
  });
}

void CpuBackend::do_expand_streams(const ExpandStreamsArgs& args) {
  constexpr std::int64_t kMostLanes = 16;
  const auto [tokens, streams, channels] = args.streams.shape();
  for_each(tokens, streams * streams * channels,
           [&, count = streams, width = channels](std::int64_t token, Arena& scratch) {
             const Arena::Scope scope(scratch);
             float* old = scratch.take<float, 1>({count * kMostLanes}).data();
             expand_token(args.y[token].data(), args.post[token].data(), args.comb[token].data(), count, width, old,
                          args.streams[token].data());
           });
}

}  // namespace fathom
