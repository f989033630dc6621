// Hyper-connections: gates of a few tokens, and the mixing of streams.
#include <algorithm>
#include <cmath>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/backends/cpu/kernels/gates.h"
#include "fathom/backends/cpu/kernels/linear.h"
#include "fathom/backends/cpu/kernels/rows.h"
#include "fathom/backends/cpu/kernels/streams.h"
#include "fathom/backends/cpu/packed_weight.h"
#include "fathom/ops/hyper_connection_gates.h"
#include "fathom/ops/released_arithmetic.h"

namespace fathom {
namespace {

// Costs in multiply-adds of a product, of which a thread does some forty in a nanosecond.
constexpr std::int64_t kGateWork = 16384;  // exponentials and the Sinkhorn iterations
constexpr std::int64_t kPassWork = 8;      // a value that is read from the second cache, once or as often as it is used

float inverse_rms(View<const float, 2> streams, float eps) {
  const float mean = sum_squares_row(streams.data(), streams.size()) / static_cast<float>(streams.size());
  return 1.0F / std::sqrt(mean + eps);
}

// Tokens [first, first + count), at most kGateTokens of them.
void write_gates(const HyperConnectionGatesArgs& args, std::int64_t first, std::int64_t count, Arena& scratch) {
  const std::int64_t streams = args.streams.extent(1);
  const std::int64_t gates = (2 + streams) * streams;
  const Arena::Scope scope(scratch);
  float* values = scratch.take<float, 1>({gates * kGateTokens}).data();
  std::fill_n(values, gates * kGateTokens, 0.0F);
  for (std::int64_t token = 0; token < count; ++token) {
    const float r = inverse_rms(args.streams[first + token], args.norm_eps);
    const auto mix = args.mix[first + token];
    for (std::int64_t gate = 0; gate < gates; ++gate)
      values[gate * kGateTokens + token] =
          mix[gate] * r * args.scale[std::min<std::int64_t>(gate / streams, 2)] + args.base[gate];
  }
  hyper_connection_gate_lanes({.values = values, .streams = streams, .iterations = args.iterations, .eps = args.eps});
  for (std::int64_t token = 0; token < count; ++token) {
    const auto copy = [&](std::int64_t gate, std::int64_t size, float* to) {
      for (std::int64_t index = 0; index < size; ++index) to[index] = values[(gate + index) * kGateTokens + token];
    };
    copy(0, streams, args.pre[first + token].data());
    copy(streams, streams, args.post[first + token].data());
    copy(2 * streams, streams * streams, args.comb[first + token].data());
  }
}

// mix[token] = the streams of tokens [first, first + count) times fn.
void multiply_streams(const PackedTiles& fn, View<const float, 3> streams, View<float, 2> mix, std::int64_t first,
                      std::int64_t count) {
  const float* x[kGateTokens];
  float* out[kGateTokens];
  for (std::int64_t token = 0; token < count; ++token) {
    x[token] = streams[first + token].data();
    out[token] = mix[first + token].data();
  }
  linear_piece({.weight = &fn, .last_out = fn.out, .rows = count, .x = x, .out = out});
}

void expand(const ExpandStreamsArgs& args, std::int64_t token, Arena& scratch) {
  constexpr std::int64_t kMostLanes = 16;
  const Arena::Scope scope(scratch);
  const std::int64_t count = args.streams.extent(1);
  expand_token({.y = args.y[token].data(),
                .post = args.post[token].data(),
                .comb = args.comb[token].data(),
                .count = count,
                .channels = args.streams.extent(2),
                .old = scratch.take<float, 1>({count * kMostLanes}).data(),
                .streams = args.streams[token].data()});
}

}  // namespace

// Tokens side by side, as many as leave every thread some.
template <typename Body>
void CpuBackend::for_each_gate_group(std::int64_t tokens, std::int64_t work, const Body& body) {
  if (tokens == 0) return;
  const std::int64_t groups =
      std::max((tokens + kGateTokens - 1) / kGateTokens, std::min<std::int64_t>(tokens, threads()));
  for_each(groups, (kGateWork + work) * tokens / groups, [&](std::int64_t group, Arena& scratch) {
    const std::int64_t first = group * tokens / groups;
    body(first, (group + 1) * tokens / groups - first, scratch);
  });
}

void CpuBackend::do_hyper_connection_gates(const HyperConnectionGatesArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  for_each_gate_group(
      tokens, kPassWork * streams * channels,
      [&](std::int64_t first, std::int64_t count, Arena& scratch) { write_gates(args, first, count, scratch); });
}

// Up to here a thread multiplies its own tokens by all of fn: they are in its caches, and nobody waits for products.
bool CpuBackend::gates_alone(std::int64_t tokens) const { return tokens <= kGateTokens * threads(); }

// The definition's operations, a token's one after the other while its streams are in the caches.
void CpuBackend::do_hyper_connection(const HyperConnectionArgs& args) { connect(args, nullptr); }

void CpuBackend::do_between_sublayers(const BetweenSublayersArgs& args) {
  if (args.next == nullptr || !gates_alone(args.into.streams.extent(0))) return Backend::do_between_sublayers(args);
  connect(*args.next, &args.into);
}

void CpuBackend::connect(const HyperConnectionArgs& args, const ExpandStreamsArgs* into) {
  const auto [tokens, streams, channels] = args.streams.shape();
  const Arena::Scope scope(args.arena);
  const auto mix = args.arena.take<float, 2>({tokens, args.fn.out});
  const bool alone = gates_alone(tokens);
  if (!alone) linear({.weight = args.fn, .x = args.streams.reshape<2>({tokens, streams * channels}), .out = mix});
  const HyperConnectionGatesArgs gates = gates_of(args, mix);
  const std::int64_t passes = into != nullptr ? 5 : 2;
  for_each_gate_group(
      tokens, passes * kPassWork * streams * channels,
      [&, streams = streams, channels = channels](std::int64_t first, std::int64_t count, Arena& scratch) {
        for (std::int64_t token = first; into != nullptr && token < first + count; ++token)
          expand(*into, token, scratch);
        if (alone) multiply_streams(packed(args.fn), args.streams, mix, first, count);
        write_gates(gates, first, count, scratch);
        for (std::int64_t token = first; token < first + count; ++token) {
          float* out = args.out[token].data();
          collapse_token(args.streams[token].data(), args.pre[token].data(), streams, channels, out);
          norm_row(out, args.norm.data(), args.norm_eps, channels, out);
        }
      });
}

void CpuBackend::do_hyper_connection_head(const HyperConnectionHeadArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  for_each(tokens, kPassWork * streams * channels, [&, count = streams](std::int64_t token, Arena&) {
    const float r = inverse_rms(args.streams[token], args.norm_eps);
    for (std::int64_t stream = 0; stream < count; ++stream) {
      const float gate = args.mix[token][stream] * r * args.scale[0] + args.base[stream];
      args.pre[token][stream] = released_sigmoid(gate) + args.eps;
    }
  });
}

void CpuBackend::do_collapse_streams(const CollapseStreamsArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  for_each(tokens, kPassWork * streams * channels, [&, count = streams, width = channels](std::int64_t token, Arena&) {
    collapse_token(args.streams[token].data(), args.pre[token].data(), count, width, args.out[token].data());
  });
}

void CpuBackend::do_expand_streams(const ExpandStreamsArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  for_each(tokens, 3 * kPassWork * streams * channels,
           [&](std::int64_t token, Arena& scratch) { expand(args, token, scratch); });
}

}  // namespace fathom
