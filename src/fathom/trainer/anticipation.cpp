#include "fathom/trainer/anticipation.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include "fathom/base/error.h"

namespace fathom::train {

AnticipatedStep Anticipation::next(const Transformer& transformer, const ForwardOptions& options) {
  while (left_ > 0 && static_cast<std::int64_t>(waiting_.size()) <= steps_) {
    const bool ahead = steps_ > 0 && static_cast<std::int64_t>(waiting_.size()) == steps_;
    AnticipatedStep step{.rows = reader_.next(), .routes = {}};
    --left_;
    if (ahead) {
      const torch::NoGradGuard no_gradients;
      for (const PackedBatch& batch : step.rows.batches) step.routes.push_back(transformer.routes(batch, options));
    }
    waiting_.push_back(std::move(step));
  }
  check(!waiting_.empty(), "a step is asked for while there is one");
  AnticipatedStep due = std::move(waiting_.front());
  waiting_.pop_front();
  return due;
}

NamedTensors Anticipation::state(const Ranks& ranks, std::int64_t micro_batches) const {
  NamedTensors tensors;
  for (std::size_t place = 0; place < waiting_.size(); ++place) {
    const AnticipatedStep& step = waiting_[place];
    torch::Tensor all = torch::zeros({0}, torch::kInt32);  // not routed ahead: the first of a stage
    for (std::size_t batch = 0; batch < step.routes.size(); ++batch) {
      const torch::Tensor own = torch::stack(step.routes[batch]).to(torch::kInt32);
      if (batch == 0) {
        std::vector<std::int64_t> shape = own.sizes().vec();
        shape.insert(shape.begin(), micro_batches);
        all = torch::zeros(shape, own.options());
      }
      all[static_cast<std::int64_t>(batch) * ranks.size() + ranks.rank()].copy_(own);
    }
    if (!step.routes.empty()) ranks.sum(all);
    tensors.emplace_back(fmt::format("routes.{}", place), all);
  }
  return tensors;
}

void Anticipation::restore(const NamedTensors& state, const Ranks& ranks) {
  for (std::int64_t place = 0;; ++place) {
    const std::string name = fmt::format("routes.{}", place);
    const torch::Tensor* all = nullptr;
    for (const auto& [other, tensor] : state)
      if (other == name) all = &tensor;
    if (all == nullptr) return;
    AnticipatedStep step{.rows = reader_.next(), .routes = {}};
    --left_;
    for (std::size_t batch = 0; all->dim() > 1 && batch < step.rows.batches.size(); ++batch) {
      const torch::Tensor own = (*all)[static_cast<std::int64_t>(batch) * ranks.size() + ranks.rank()];
      step.routes.push_back(own.to(step.rows.batches[batch].ids.device(), torch::kInt64).unbind(0));
    }
    waiting_.push_back(std::move(step));
  }
}

}  // namespace fathom::train
