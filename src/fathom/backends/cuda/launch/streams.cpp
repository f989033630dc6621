// Hyper-connections and routing.
#include "fathom/backends/cuda/kernels/streams.h"

#include <utility>

#include "fathom/backends/cuda/kernels/route.h"
#include "fathom/backends/cuda/launch/cuda_launcher.h"

namespace fathom::cuda {

void CudaLauncher::do_hyper_connection_gates(const HyperConnectionGatesArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  check(streams <= kMostStreams, "[cuda] a thread holds all streams");
  launch_gates({.x = args.streams.data(),
                .mix = args.mix.data(),
                .scale = args.scale.data(),
                .base = args.base.data(),
                .pre = args.pre.data(),
                .post = args.post.data(),
                .comb = args.comb.data(),
                .tokens = tokens,
                .streams = streams,
                .channels = channels,
                .iterations = args.iterations,
                .eps = args.eps,
                .norm_eps = args.norm_eps},
               device_.stream());
  device_.check_launch("hyper_connection_gates");
}

void CudaLauncher::do_hyper_connection_head(const HyperConnectionHeadArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  check(streams <= kMostStreams, "[cuda] a thread holds all streams");
  launch_head_gates({.x = args.streams.data(),
                     .mix = args.mix.data(),
                     .scale = args.scale.data(),
                     .base = args.base.data(),
                     .pre = args.pre.data(),
                     .tokens = tokens,
                     .streams = streams,
                     .channels = channels,
                     .eps = args.eps,
                     .norm_eps = args.norm_eps},
                    device_.stream());
  device_.check_launch("hyper_connection_head");
}

void CudaLauncher::do_collapse_streams(const CollapseStreamsArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  launch_collapse({.x = args.streams.data(),
                   .pre = args.pre.data(),
                   .out = args.out.data(),
                   .tokens = tokens,
                   .streams = streams,
                   .channels = channels},
                  device_.stream());
  device_.check_launch("collapse_streams");
}

ExpandKernel expand_kernel(const ExpandStreamsArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  return {.y = args.y.data(),
          .post = args.post.data(),
          .comb = args.comb.data(),
          .x = args.streams.data(),
          .tokens = tokens,
          .streams = streams,
          .channels = channels,
          .before = {}};
}

void CudaLauncher::do_expand_streams(const ExpandStreamsArgs& args) {
  check(args.streams.extent(1) <= kMostStreams, "[cuda] a thread holds all streams");
  expand_later(expand_kernel(args));
}

void CudaLauncher::expand_later(const ExpandKernel& args) {
  send_expansion();
  expansion_ = args;
}

void CudaLauncher::send_expansion() {
  if (!expansion_) return;
  const ExpandKernel args = *std::exchange(expansion_, std::nullopt);
  launch_expand(args, device_.stream());
  device_.check_launch("expand_streams");
}

RouteKernel CudaLauncher::route_kernel(const RouteArgs& args) {
  const auto [tokens, experts] = args.logits.shape();
  const bool hashed = !args.hash.empty();
  if (hashed)
    for (const std::int32_t id : args.ids)
      if (id < 0 || id >= args.hash.extent(0))
        throw InputError("[model] token id {} is outside the vocabulary [0, {})", id, args.hash.extent(0));
  return {.logits = args.logits.data(),
          .bias = hashed ? nullptr : args.bias.data(),
          .hash = hashed ? args.hash.data() : nullptr,
          .ids = hashed && tokens > 0 ? staged_.stage(args.ids) : nullptr,
          .selected = args.selected.data(),
          .weights = args.weights.data(),
          .tokens = tokens,
          .experts = experts,
          .chosen = args.selected.extent(1),
          .route_scale = args.route_scale,
          .fault = fault()};
}

void CudaLauncher::do_route(const RouteArgs& args) {
  launch_route(route_kernel(args), device_.stream());
  device_.check_launch("route");
}

}  // namespace fathom::cuda
