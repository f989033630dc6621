#include "fathom/trainer/expert_product.h"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/version.h>

#define FATHOM_GROUPED_MM (TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 9))

#if FATHOM_GROUPED_MM
#include <ATen/ops/_grouped_mm.h>
#endif

namespace fathom::train {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

#if FATHOM_GROUPED_MM
bool groups_on_device(const Tensor& rows) { return rows.is_cuda() && rows.scalar_type() == torch::kBFloat16; }
#endif

// Calls product(expert, first row, rows) for every expert that has any.
template <typename Product>
void each_expert(const Tensor& ends, const Product& product) {
  const Tensor host = ends.to(torch::kCPU);
  std::int64_t first = 0;
  for (std::int64_t expert = 0; expert < host.numel(); ++expert) {
    const std::int64_t end = host.data_ptr<std::int32_t>()[expert];
    if (end > first) product(expert, first, end - first);
    first = end;
  }
}

// rows . matrix[expert], matrix [experts, in, out]
Tensor rows_product(const Tensor& rows, const Tensor& matrix, const Tensor& ends) {
#if FATHOM_GROUPED_MM
  if (groups_on_device(rows)) return at::_grouped_mm(rows, matrix, ends);
#endif
  Tensor result = torch::empty({rows.size(0), matrix.size(2)}, rows.options());
  each_expert(ends, [&](std::int64_t expert, std::int64_t first, std::int64_t count) {
    Tensor part = result.narrow(0, first, count);
    at::mm_out(part, rows.narrow(0, first, count), matrix[expert]);
  });
  return result;
}

// left^T . right over each expert's rows: [experts, left columns, right columns]
Tensor weight_product(const Tensor& left, const Tensor& right, const Tensor& ends) {
#if FATHOM_GROUPED_MM
  if (groups_on_device(left)) {
    // An expert without rows leaves its part of the product unwritten.
    const Tensor counts = torch::diff(ends, 1, 0, torch::zeros({1}, ends.options()));
    return at::_grouped_mm(left.t(), right, ends).masked_fill_(counts.eq(0).view({-1, 1, 1}), 0);
  }
#endif
  Tensor result = torch::zeros({ends.size(0), left.size(1), right.size(1)}, left.options());
  each_expert(ends, [&](std::int64_t expert, std::int64_t first, std::int64_t count) {
    Tensor part = result[expert];
    at::mm_out(part, left.narrow(0, first, count).t(), right.narrow(0, first, count));
  });
  return result;
}

struct ExpertProduct : torch::autograd::Function<ExpertProduct> {
  static Tensor forward(AutogradContext* context, const Tensor& rows, const Tensor& weight, const Tensor& ends) {
    context->save_for_backward({rows, weight, ends});
    return rows_product(rows, weight.transpose(1, 2), ends);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor gradient = gradients[0].contiguous();
    return {rows_product(gradient, saved[1], saved[2]), weight_product(gradient, saved[0], saved[2]), Tensor()};
  }
};

Tensor spread(const Tensor& x, const ExpertOrder& order) {
  return x.index_select(0, order.order.div(order.selected, "floor"));
}

Tensor gathered(const Tensor& rows, const ExpertOrder& order) {
  return rows.index_select(0, order.inverse).view({-1, order.selected, rows.size(1)}).sum(1);
}

// Each of the two is the other's gradient: gathers alone, no sums in an order that nobody fixed.
struct Dispatch : torch::autograd::Function<Dispatch> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const ExpertOrder& order) {
    keep(context, order);
    return spread(x, order);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    return {gathered(gradients[0], kept(context)), Tensor()};
  }

  static void keep(AutogradContext* context, const ExpertOrder& order) {
    context->save_for_backward({order.order, order.inverse});
    context->saved_data["selected"] = order.selected;
  }
  static ExpertOrder kept(AutogradContext* context) {
    const auto saved = context->get_saved_variables();
    return {.order = saved[0], .inverse = saved[1], .ends = {}, .selected = context->saved_data["selected"].toInt()};
  }
};

struct Combine : torch::autograd::Function<Combine> {
  static Tensor forward(AutogradContext* context, const Tensor& rows, const ExpertOrder& order) {
    Dispatch::keep(context, order);
    return gathered(rows, order);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    return {spread(gradients[0], Dispatch::kept(context)), Tensor()};
  }
};

}  // namespace

ExpertOrder sort_by_expert(const Tensor& selected, std::int64_t experts) {
  const Tensor slots = selected.flatten();
  ExpertOrder result;
  result.selected = selected.size(1);
  result.order = std::get<1>(slots.sort(/*stable=*/true, /*dim=*/0, /*descending=*/false));
  result.inverse =
      torch::empty_like(result.order).scatter_(0, result.order, torch::arange(slots.size(0), slots.options()));
  const Tensor counts = torch::zeros({experts}, slots.options()).scatter_add_(0, slots, torch::ones_like(slots));
  result.ends = counts.cumsum(0).to(torch::kInt32);
  return result;
}

Tensor dispatch(const Tensor& x, const ExpertOrder& order) { return Dispatch::apply(x, order); }
Tensor combine(const Tensor& rows, const ExpertOrder& order) { return Combine::apply(rows, order); }

Tensor expert_product(const Tensor& rows, const Tensor& weight, const Tensor& ends) {
  return ExpertProduct::apply(rows, weight, ends);
}

}  // namespace fathom::train
