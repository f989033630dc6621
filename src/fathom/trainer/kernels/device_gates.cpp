#include "fathom/base/error.h"
#include "fathom/trainer/kernels/device.h"
#include "fathom/trainer/kernels/device_launch.h"
#include "fathom/trainer/kernels/kernels.h"

namespace fathom::train::device {
namespace {

using torch::Tensor;

constexpr std::int64_t kGates = 24;

GatesKernelArgs gates_args(const GateRule& rule, const Tensor& streams, const Tensor& mix) {
  check(rule.iterations >= 1 && rule.iterations <= 32, "the gates' kernel takes 1 to 32 iterations");
  return {.streams = streams.data_ptr(),
          .mix = mix.data_ptr<float>(),
          .tokens = streams.size(0),
          .channels = streams.size(2),
          .mix_columns = mix.size(1),
          .iterations = rule.iterations,
          .norm_eps = static_cast<float>(rule.norm_eps),
          .eps = static_cast<float>(rule.eps),
          .bf16 = is_bf16(streams)};
}

RoundKernelArgs round_args(const Tensor& x, const Tensor& out) {
  return {.x = x.data_ptr(),
          .out = out.data_ptr(),
          .rows = x.numel() / x.size(-1),
          .columns = x.size(-1),
          .bf16 = is_bf16(out)};
}

}  // namespace

Gated gates(const GateRule& rule, const Tensor& streams, const Tensor& mix, const Tensor& scale, const Tensor& base) {
  check(streams.size(1) == 4 && mix.size(1) % kGates == 0, "the gates' kernel takes four streams");
  GatesKernelArgs args = gates_args(rule, streams, mix);
  const auto options = wide_options(streams);
  Gated result{torch::empty({args.tokens, args.channels}, streams.options()), torch::empty({args.tokens, 4}, options),
               torch::empty({args.tokens, 4}, options), torch::empty({args.tokens, 4, 4}, options),
               torch::empty({args.tokens}, options)};
  args.scale = scale.data_ptr<float>();
  args.base = base.data_ptr<float>();
  args.out = result.out.data_ptr();
  args.pre = result.pre.data_ptr<float>();
  args.post = result.post.data_ptr<float>();
  args.comb = result.comb.data_ptr<float>();
  args.inverse = result.inverse.data_ptr<float>();
  launch(streams, gates_forward_kernel, args);
  return result;
}

GateGradients gates_backward(const GateRule& rule, const Tensor& streams, const Tensor& mix, const Tensor& scale,
                             const Tensor& base, const Tensor& inverse, const GateChanges& changes) {
  const Tensor out = changes.out.contiguous(), post = wide(changes.post), comb = wide(changes.comb);
  GatesKernelArgs args = gates_args(rule, streams, mix);
  const auto options = wide_options(streams);
  GateGradients result{torch::empty({args.tokens, 2 * kGates}, options),
                       torch::empty({args.tokens, args.bf16 ? 2 * kGates : kGates}, streams.options()),
                       torch::empty({args.tokens}, options)};
  args.scale = scale.data_ptr<float>();
  args.base = base.data_ptr<float>();
  args.inverse = inverse.data_ptr<float>();
  args.out_gradient = out.data_ptr();
  args.post_gradient = post.data_ptr<float>();
  args.comb_gradient = comb.data_ptr<float>();
  args.raw_gradient = result.raw.data_ptr<float>();
  args.mix_gradient = result.mix.data_ptr();
  args.along = result.along.data_ptr<float>();
  launch(streams, gates_backward_kernel, args);
  return result;
}

void gates_finish(const Tensor& streams, const Tensor& pre, const Tensor& out_gradient, const Tensor& along,
                  Tensor& streams_gradient) {
  const Tensor out = out_gradient.contiguous();
  launch(streams, gates_finish_kernel,
         GatesKernelArgs{.streams = streams.data_ptr(),
                         .pre = pre.data_ptr<float>(),
                         .out_gradient = out.data_ptr(),
                         .along = along.data_ptr<float>(),
                         .streams_gradient = streams_gradient.data_ptr(),
                         .tokens = streams.size(0),
                         .channels = streams.size(2),
                         .bf16 = is_bf16(streams)});
}

Tensor cross_entropy(const Tensor& logits, const Tensor& targets, Tensor& gradient) {
  check(logits.is_contiguous() && targets.is_contiguous(), "logits and targets are contiguous");
  Tensor loss = torch::empty({logits.size(0)}, logits.options());
  launch(logits, cross_entropy_kernel,
         CrossEntropyKernelArgs{.logits = logits.data_ptr<float>(),
                                .targets = targets.data_ptr<std::int64_t>(),
                                .loss = loss.data_ptr<float>(),
                                .gradient = gradient.defined() ? gradient.data_ptr() : nullptr,
                                .tokens = logits.size(0),
                                .vocab = logits.size(1),
                                .bf16 = gradient.defined() && is_bf16(gradient)});
  return loss;
}

bool takes_rounding(const Tensor& x, std::int64_t group) {
  return x.is_cuda() && x.numel() > 0 && x.is_contiguous() && x.size(-1) % group == 0;
}

void round_fp4(const Tensor& x, Tensor& out) { launch(x, round_fp4_kernel, round_args(x, out)); }

void round_fp8(const Tensor& x, Tensor& out) {
  RoundKernelArgs args = round_args(x, out);
  args.matrices = x.dim() == 3 ? x.size(0) : 1;
  args.rows = x.size(-2);
  launch(x, round_fp8_kernel, args);
}

Tensor round_entries(const Tensor& x, std::int64_t still) {
  Tensor out = torch::empty_like(x);
  RoundKernelArgs args = round_args(x, out);
  args.still = still;
  launch(x, round_entries_kernel, args);
  return out;
}

Tensor round_index(const Tensor& x, bool rounds) {
  Tensor out = torch::empty_like(x);
  RoundKernelArgs args = round_args(x, out);
  args.rounds = rounds;
  launch(x, round_index_kernel, args);
  return out;
}

}  // namespace fathom::train::device
