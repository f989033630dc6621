#include "fathom/trainer/recorded_work.h"

#include <torch/torch.h>

#include "fathom/base/error.h"

namespace fathom::train {
namespace {

PackedBatch copy_of(const PackedBatch& batch) {
  PackedBatch copy = batch;
  for (torch::Tensor* tensor :
       {&copy.ids, &copy.targets, &copy.documents, &copy.positions, &copy.plain_frequencies, &copy.slow_frequencies})
    *tensor = tensor->clone();
  for (EntryPlan& plan : copy.entries)
    for (torch::Tensor* tensor : {&plan.first, &plan.documents, &plan.positions}) *tensor = tensor->clone();
  return copy;
}

}  // namespace

void RecordedWork::forget() {
  graph_.reset();
  batch_.reset();
  key_.clear();
}

// The first run also readies what may not be readied while recording: libraries, workspaces, gradients.
void RecordedWork::run(const std::string& key, const PackedBatch& batch, const Work& work) {
  for (const torch::Tensor& tensor : batch.tensors()) device::keep_until_used(tensor);
  if (!device::Graph::can_record(batch.ids.device())) return work(batch);
  const std::string whole_key = fmt::format("{} {}x{}", key, batch.rows(), batch.length());
  if (whole_key != key_) {
    forget();
    key_ = whole_key;
    batch_ = copy_of(batch);
    return work(*batch_);
  }
  const std::vector<torch::Tensor> places = batch_->tensors();
  const std::vector<torch::Tensor> values = batch.tensors();
  for (std::size_t place = 0; place < places.size(); ++place) torch::Tensor(places[place]).copy_(values[place]);
  if (graph_ == nullptr) {
    graph_ = std::make_unique<device::Graph>();
    graph_->record([&] { work(*batch_); });
  }
  graph_->replay();
}

}  // namespace fathom::train
