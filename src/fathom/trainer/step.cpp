#include "fathom/trainer/step.h"

#include "fathom/base/error.h"
#include "fathom/trainer/arithmetic.h"
#include "fathom/trainer/compute_weights.h"
#include "fathom/trainer/fake_quantize.h"
#include "fathom/trainer/rotary.h"

namespace fathom::train {
namespace {

using torch::Tensor;

// The smallest divisor of `length` that holds a window, so that one block back is far enough.
std::int64_t block_for(std::int64_t window, std::int64_t length) {
  for (std::int64_t block = window; block < length; ++block)
    if (length % block == 0) return block;
  return length;
}

}  // namespace

Step::Step(const Parameters& parameters, const PackedBatch& batch, const ForwardOptions& options)
    : parameters_(parameters), batch_(batch), options_(options) {
  const torch::NoGradGuard no_gradients;
  const ModelConfig& c = config();
  const auto positions = batch.positions.flatten();
  plain_turns_ = rotary_turns(positions, batch.plain_frequencies, wide());
  compressed_turns_ = rotary_turns(positions, batch.slow_frequencies, wide());
  query_block_ = block_for(c.window, length());
  window_hidden_ = hide_outside_window();
  real_ = batch.documents.flatten().ge(0);
  for (const EntryPlan& plan : batch.entries) entries_.push_back(view_entries(plan));
}

torch::ScalarType Step::wide() const { return wide_type(compute()); }

Tensor Step::cast(std::string_view name, torch::ScalarType type) const {
  if (options_.weights != nullptr && type == options_.weights->compute())
    if (const Tensor made = options_.weights->find(name); made.defined()) return learns(name) ? made : made.detach();
  const Parameter& parameter = parameters_.parameter(name);
  const Tensor value = learns(name) ? parameter.value : parameter.value.detach();
  return (options_.released_precision ? fake_quantize(value, parameter.released) : value).to(type);
}

bool Step::learns(std::string_view name) const {
  return options_.attention != AttentionStage::indexer_warmup || name.find(".indexer.") != std::string_view::npos;
}

const Tensor& Step::turns(std::int64_t block) const {
  return config().ratio(block) == 0 ? plain_turns_ : compressed_turns_;
}

const EntryView& Step::entries(std::int64_t ratio) const {
  for (const EntryView& view : entries_)
    if (view.ratio == ratio) return view;
  throw InternalError("[step] no entries were planned for compression ratio {}", ratio);
}

EntryView Step::view_entries(const EntryPlan& plan) const {
  EntryView view;
  view.ratio = plan.ratio;
  view.count = plan.first.size(1);
  // A query sees the blocks of its document that ended with it or before.
  const Tensor ends = (plan.positions + (plan.ratio - 1)).unsqueeze(1);
  view.hidden = batch_.documents.unsqueeze(2)
                    .eq(plan.documents.unsqueeze(1))
                    .logical_and_(batch_.positions.unsqueeze(2).ge(ends))
                    .logical_not_();
  view.turns = rotary_turns(plan.positions.flatten(), batch_.slow_frequencies, wide());
  const auto integers = plan.first.options();
  const Tensor first = plan.first + torch::arange(rows(), integers).unsqueeze(1) * length();
  const Tensor within = torch::arange(plan.ratio, integers);
  view.first = first.flatten();
  view.tokens = (first.reshape({-1, 1}) + within).flatten();
  view.unused = plan.documents.lt(0).flatten();
  if (view.tokens.is_cuda())
    view.places = batch_.positions.flatten().remainder(plan.ratio).unsqueeze(1).eq(within).to(compute());
  view.no_previous = plan.positions.lt(plan.ratio).logical_or(plan.documents.lt(0)).reshape({-1, 1, 1});
  view.previous = (view.tokens - plan.ratio).clamp_min_(0);
  return view;
}

Tensor Step::hide_outside_window() const {
  const std::int64_t block = query_block_;
  const auto keys = [&](const Tensor& values, std::int64_t outside) {
    const Tensor padded = torch::constant_pad_nd(values, {block, 0}, outside);
    return padded.unfold(1, 2 * block, block).unsqueeze(2);  // [rows, blocks, 1, 2 block]
  };
  const auto queries = [&](const Tensor& values) { return values.view({rows(), -1, block, 1}); };
  const Tensor apart = queries(batch_.positions) - keys(batch_.positions, 0);
  return queries(batch_.documents)
      .eq(keys(batch_.documents, -3))
      .logical_and_(apart.ge(0))
      .logical_and_(apart.lt(config().window))
      .logical_not_();
}

}  // namespace fathom::train
