#include <algorithm>
#include <cmath>
#include <vector>

#include "fathom/backends/reference/reference_backend.h"
#include "fathom/ops/released_arithmetic.h"

namespace fathom {
namespace {

float inverse_rms(View<const float, 2> streams, float eps) {
  const float squares = sum_of_squares(streams.data(), streams.size());
  return 1.0F / std::sqrt(squares / static_cast<float>(streams.size()) + eps);
}

// comb[j, k]: softmax over k, + eps, columns normalised once; then rows and columns in turn, ending on columns.
void sinkhorn(std::vector<float>& comb, std::int64_t streams, std::int64_t iterations, float eps) {
  const auto at = [&](std::int64_t row, std::int64_t column) -> float& { return comb[row * streams + column]; };
  const auto normalise = [&](bool rows) {
    for (std::int64_t outer = 0; outer < streams; ++outer) {
      float sum = 0.0F;
      for (std::int64_t inner = 0; inner < streams; ++inner) sum += rows ? at(outer, inner) : at(inner, outer);
      for (std::int64_t inner = 0; inner < streams; ++inner) (rows ? at(outer, inner) : at(inner, outer)) /= sum + eps;
    }
  };
  for (std::int64_t row = 0; row < streams; ++row) {
    float largest = at(row, 0);
    for (std::int64_t column = 1; column < streams; ++column) largest = std::max(largest, at(row, column));
    float sum = 0.0F;
    for (std::int64_t column = 0; column < streams; ++column) {
      at(row, column) = released_exp(at(row, column) - largest);
      sum += at(row, column);
    }
    for (std::int64_t column = 0; column < streams; ++column) at(row, column) = at(row, column) * (1.0F / sum) + eps;
  }
  normalise(false);
  for (std::int64_t iteration = 1; iteration < iterations; ++iteration) {
    normalise(true);
    normalise(false);
  }
}

}  // namespace

void ReferenceBackend::do_hyper_connection_gates(const HyperConnectionGatesArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  for (std::int64_t token = 0; token < tokens; ++token) {
    const float r = inverse_rms(args.streams[token], args.norm_eps);
    const auto gate = [&](std::int64_t index, std::int64_t part) {
      return args.mix[token][index] * r * args.scale[part] + args.base[index];
    };
    for (std::int64_t stream = 0; stream < streams; ++stream) {
      args.pre[token][stream] = released_sigmoid(gate(stream, 0)) + args.eps;
      args.post[token][stream] = 2.0F * released_sigmoid(gate(streams + stream, 1));
    }
    std::vector<float> comb(static_cast<std::size_t>(streams * streams));
    for (std::int64_t index = 0; index < streams * streams; ++index) comb[index] = gate(2 * streams + index, 2);
    sinkhorn(comb, streams, args.iterations, args.eps);
    std::copy(comb.begin(), comb.end(), args.comb[token].data());
  }
}

void ReferenceBackend::do_hyper_connection_head(const HyperConnectionHeadArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  for (std::int64_t token = 0; token < tokens; ++token) {
    const float r = inverse_rms(args.streams[token], args.norm_eps);
    for (std::int64_t stream = 0; stream < streams; ++stream)
      args.pre[token][stream] =
          released_sigmoid(args.mix[token][stream] * r * args.scale[0] + args.base[stream]) + args.eps;
  }
}

void ReferenceBackend::do_collapse_streams(const CollapseStreamsArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  for (std::int64_t token = 0; token < tokens; ++token)
    for (std::int64_t channel = 0; channel < channels; ++channel) {
      float sum = 0.0F;
      for (std::int64_t stream = 0; stream < streams; ++stream)
        sum += args.pre[token][stream] * args.streams[token][stream][channel];
      args.out[token][channel] = sum;
    }
}

void ReferenceBackend::do_expand_streams(const ExpandStreamsArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  std::vector<float> mixed(static_cast<std::size_t>(streams));
  for (std::int64_t token = 0; token < tokens; ++token)
    for (std::int64_t channel = 0; channel < channels; ++channel) {
      for (std::int64_t to = 0; to < streams; ++to) {
        float sum = 0.0F;
        for (std::int64_t from = 0; from < streams; ++from)
          sum += args.comb[token][from][to] * args.streams[token][from][channel];
        mixed[to] = args.post[token][to] * args.y[token][channel] + sum;
      }
      for (std::int64_t to = 0; to < streams; ++to) args.streams[token][to][channel] = mixed[to];
    }
}

}  // namespace fathom
