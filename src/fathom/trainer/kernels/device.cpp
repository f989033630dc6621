// Tensors to the kernels' arguments: check, allocate, launch on the current stream.
#include "fathom/trainer/kernels/device.h"

#include "fathom/base/error.h"
#include "fathom/trainer/kernels/device_launch.h"
#include "fathom/trainer/kernels/kernels.h"

namespace fathom::train::device {
namespace {

using torch::Tensor;

constexpr std::int64_t kVector = 8;

ExpandKernelArgs expand_args(const Tensor& post, const Tensor& comb, const Tensor& y, const Tensor& streams) {
  check_equal(streams.size(1), std::int64_t{4}, "streams of the kernels");
  return {.post = post.data_ptr<float>(),
          .comb = comb.data_ptr<float>(),
          .y = y.data_ptr(),
          .streams = streams.data_ptr(),
          .tokens = streams.size(0),
          .channels = streams.size(2),
          .bf16 = is_bf16(streams)};
}

CollapseKernelArgs collapse_args(const Tensor& pre, const Tensor& streams) {
  check_equal(streams.size(1), std::int64_t{4}, "streams of the kernels");
  return {.pre = pre.data_ptr<float>(),
          .streams = streams.data_ptr(),
          .tokens = streams.size(0),
          .channels = streams.size(2),
          .bf16 = is_bf16(streams)};
}

SwigluKernelArgs swiglu_args(const Tensor& gate, const Tensor& up, const Tensor& weight, double limit) {
  return {.gate = gate.data_ptr(),
          .up = up.data_ptr(),
          .weight = weight.defined() ? weight.data_ptr<float>() : nullptr,
          .rows = gate.size(0),
          .columns = gate.size(1),
          .limit = static_cast<float>(limit),
          .bf16 = is_bf16(gate)};
}

SinkhornKernelArgs sinkhorn_args(const Tensor& logits, std::int64_t iterations, double eps) {
  check(iterations >= 1 && iterations <= 32, "the Sinkhorn kernel takes 1 to 32 iterations");
  return {.logits = logits.data_ptr<float>(),
          .tokens = logits.size(0),
          .iterations = iterations,
          .eps = static_cast<float>(eps)};
}

}  // namespace

bool takes(const Tensor& x) {
  return x.is_cuda() && (is_bf16(x) || x.scalar_type() == torch::kFloat32) && x.numel() > 0 &&
         x.size(-1) % kVector == 0;
}

Tensor sinkhorn(const Tensor& logits, std::int64_t iterations, double eps) {
  const Tensor input = wide(logits);
  Tensor out = torch::empty_like(input);
  SinkhornKernelArgs args = sinkhorn_args(input, iterations, eps);
  args.out = out.data_ptr<float>();
  launch(input, sinkhorn_forward_kernel, args);
  return out;
}

Tensor sinkhorn_backward(const Tensor& logits, const Tensor& gradient, std::int64_t iterations, double eps) {
  const Tensor input = wide(logits);
  const Tensor change = wide(gradient);
  Tensor out = torch::empty_like(input);
  SinkhornKernelArgs args = sinkhorn_args(input, iterations, eps);
  args.gradient = change.data_ptr<float>();
  args.out = out.data_ptr<float>();
  launch(input, sinkhorn_backward_kernel, args);
  return out;
}

Tensor expand(const Tensor& post, const Tensor& comb, const Tensor& y, const Tensor& streams) {
  const Tensor post_rows = wide(post), comb_rows = wide(comb), y_rows = y.contiguous(), x = streams.contiguous();
  Tensor out = torch::empty_like(x);
  ExpandKernelArgs args = expand_args(post_rows, comb_rows, y_rows, x);
  args.out = out.data_ptr();
  launch(x, expand_forward_kernel, args);
  return out;
}

ExpandGradients expand_backward(const Tensor& post, const Tensor& comb, const Tensor& y, const Tensor& streams,
                                const Tensor& gradient) {
  const Tensor post_rows = wide(post), comb_rows = wide(comb), y_rows = y.contiguous(), x = streams.contiguous();
  const Tensor change = gradient.contiguous();
  ExpandGradients result{torch::empty_like(post_rows), torch::empty_like(comb_rows), torch::empty_like(y_rows),
                         torch::empty_like(x)};
  ExpandKernelArgs args = expand_args(post_rows, comb_rows, y_rows, x);
  args.gradient = change.data_ptr();
  args.post_gradient = result.post.data_ptr<float>();
  args.comb_gradient = result.comb.data_ptr<float>();
  args.y_gradient = result.y.data_ptr();
  args.streams_gradient = result.streams.data_ptr();
  launch(x, expand_backward_kernel, args);
  return result;
}

Tensor collapse(const Tensor& pre, const Tensor& streams) {
  const Tensor pre_rows = wide(pre), x = streams.contiguous();
  Tensor out = torch::empty({x.size(0), x.size(2)}, x.options());
  CollapseKernelArgs args = collapse_args(pre_rows, x);
  args.out = out.data_ptr();
  launch(x, collapse_forward_kernel, args);
  return out;
}

CollapseGradients collapse_backward(const Tensor& pre, const Tensor& streams, const Tensor& gradient) {
  const Tensor pre_rows = wide(pre), x = streams.contiguous(), change = gradient.contiguous();
  CollapseGradients result{torch::empty_like(pre_rows), torch::empty_like(x)};
  CollapseKernelArgs args = collapse_args(pre_rows, x);
  args.gradient = change.data_ptr();
  args.pre_gradient = result.pre.data_ptr<float>();
  args.streams_gradient = result.streams.data_ptr();
  launch(x, collapse_backward_kernel, args);
  return result;
}

Normed norm(const Tensor& x, const Tensor& weight, double eps) {
  const Tensor rows = x.contiguous();
  const std::int64_t columns = rows.size(-1);
  std::vector<std::int64_t> sizes = rows.sizes().vec();
  sizes.back() = 1;
  Normed result{torch::empty_like(rows), torch::empty(sizes, wide_options(rows))};
  const Tensor factors = weight.defined() ? wide(weight) : Tensor();
  launch(rows, norm_forward_kernel,
         NormKernelArgs{.x = rows.data_ptr(),
                        .weight = factors.defined() ? factors.data_ptr<float>() : nullptr,
                        .out = result.out.data_ptr(),
                        .inverse = result.inverse.data_ptr<float>(),
                        .rows = rows.numel() / columns,
                        .columns = columns,
                        .eps = static_cast<float>(eps),
                        .bf16 = is_bf16(rows)});
  return result;
}

NormGradients norm_backward(const Tensor& x, const Tensor& weight, const Tensor& inverse, const Tensor& gradient) {
  const Tensor rows = x.contiguous(), change = gradient.contiguous();
  const std::int64_t columns = rows.size(-1);
  const std::int64_t count = rows.numel() / columns;
  const Tensor factors = weight.defined() ? wide(weight) : Tensor();
  const Tensor inverses = inverse.contiguous();
  NormGradients result{torch::empty_like(rows), Tensor()};
  const Tensor parts = weight.defined() ? torch::empty({norm_parts(count), columns}, wide_options(rows)) : Tensor();
  launch(rows, norm_backward_kernel,
         NormKernelArgs{.x = rows.data_ptr(),
                        .weight = factors.defined() ? factors.data_ptr<float>() : nullptr,
                        .gradient = change.data_ptr(),
                        .inverse = inverses.data_ptr<float>(),
                        .x_gradient = result.x.data_ptr(),
                        .weight_gradient = parts.defined() ? parts.data_ptr<float>() : nullptr,
                        .rows = count,
                        .columns = columns,
                        .bf16 = is_bf16(rows)});
  if (parts.defined()) result.weight = parts.sum(0);
  return result;
}

Tensor rotate(const Tensor& x, const Tensor& turns, bool inverse) {
  const Tensor rows = x.contiguous();
  const Tensor angles = torch::view_as_real(turns.contiguous());
  Tensor out = torch::empty_like(rows);
  launch(rows, rotate_kernel,
         RotateKernelArgs{.x = rows.data_ptr(),
                          .turns = angles.data_ptr<float>(),
                          .out = out.data_ptr(),
                          .tokens = rows.size(0),
                          .heads = rows.size(1),
                          .dim = rows.size(2),
                          .pairs = turns.size(-1),
                          .inverse = inverse,
                          .bf16 = is_bf16(rows)});
  return out;
}

Tensor swiglu(const Tensor& gate, const Tensor& up, const Tensor& weight, double limit) {
  const Tensor gate_rows = gate.contiguous(), up_rows = up.contiguous();
  const Tensor weights = weight.defined() ? wide(weight) : Tensor();
  Tensor out = torch::empty_like(gate_rows);
  SwigluKernelArgs args = swiglu_args(gate_rows, up_rows, weights, limit);
  args.out = out.data_ptr();
  launch(gate_rows, swiglu_forward_kernel, args);
  return out;
}

SwigluGradients swiglu_backward(const Tensor& gate, const Tensor& up, const Tensor& weight, double limit,
                                const Tensor& gradient) {
  const Tensor gate_rows = gate.contiguous(), up_rows = up.contiguous(), change = gradient.contiguous();
  const Tensor weights = weight.defined() ? wide(weight) : Tensor();
  SwigluGradients result{torch::empty_like(gate_rows), torch::empty_like(up_rows),
                         weight.defined() ? torch::empty_like(weights) : Tensor()};
  SwigluKernelArgs args = swiglu_args(gate_rows, up_rows, weights, limit);
  args.gradient = change.data_ptr();
  args.gate_gradient = result.gate.data_ptr();
  args.up_gradient = result.up.data_ptr();
  args.weight_gradient = weight.defined() ? result.weight.data_ptr<float>() : nullptr;
  launch(gate_rows, swiglu_backward_kernel, args);
  return result;
}

}  // namespace fathom::train::device
