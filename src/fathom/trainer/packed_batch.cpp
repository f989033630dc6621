#include "fathom/trainer/packed_batch.h"

#include <algorithm>
#include <set>

#include "fathom/base/error.h"
#include "fathom/spec/rotary.h"

namespace fathom::train {
namespace {

constexpr std::int64_t kNoDocument = -2;  // of an unused entry

// Blocks of `ratio` tokens of one document, counted from its first token. The rest of a document fills none.
EntryPlan plan_entries(std::span<const PackedRow> rows, std::int64_t length, std::int64_t ratio) {
  const std::int64_t entries = length / ratio;
  EntryPlan plan;
  plan.ratio = ratio;
  const auto shape = std::vector<std::int64_t>{std::ssize(rows), entries};
  plan.first = torch::zeros(shape, torch::kInt64);
  plan.documents = torch::full(shape, kNoDocument, torch::kInt64);
  plan.positions = torch::zeros(shape, torch::kInt64);
  for (std::int64_t row = 0; row < std::ssize(rows); ++row) {
    const auto& documents = rows[static_cast<std::size_t>(row)].documents;
    const auto& positions = rows[static_cast<std::size_t>(row)].positions;
    auto* first = plan.first.data_ptr<std::int64_t>() + row * entries;
    auto* document = plan.documents.data_ptr<std::int64_t>() + row * entries;
    auto* position = plan.positions.data_ptr<std::int64_t>() + row * entries;
    std::int64_t entry = 0;
    for (std::int64_t token = 0; token + ratio <= length; ++token) {
      const auto begin = static_cast<std::size_t>(token);
      const auto last = static_cast<std::size_t>(token + ratio - 1);
      if (documents[begin] < 0 || documents[last] != documents[begin] || positions[begin] % ratio != 0) continue;
      first[entry] = token;
      document[entry] = documents[begin];
      position[entry] = positions[begin];
      ++entry;
      token += ratio - 1;
    }
  }
  return plan;
}

}  // namespace

const EntryPlan& PackedBatch::plan(std::int64_t ratio) const {
  for (const EntryPlan& plan : entries)
    if (plan.ratio == ratio) return plan;
  throw InternalError("[batch] no entries were planned for compression ratio {}", ratio);
}

std::vector<torch::Tensor> PackedBatch::tensors() const {
  std::vector<torch::Tensor> all{ids, targets, documents, positions, plain_frequencies, slow_frequencies};
  for (const EntryPlan& plan : entries) all.insert(all.end(), {plan.first, plan.documents, plan.positions});
  return all;
}

PackedBatch make_batch(std::span<const PackedRow> rows, const ModelConfig& config, torch::Device device) {
  check(!rows.empty(), "a batch has rows");
  const std::int64_t length = std::ssize(rows.front().ids);
  PackedBatch batch;
  const auto gather = [&](std::vector<std::int32_t> PackedRow::*part, const char* what) {
    torch::Tensor values = torch::empty({std::ssize(rows), length}, torch::kInt64);
    auto* out = values.data_ptr<std::int64_t>();
    for (const PackedRow& row : rows) {
      check_equal(std::ssize(row.*part), length, what);
      out = std::copy((row.*part).begin(), (row.*part).end(), out);
    }
    return values;
  };
  batch.ids = gather(&PackedRow::ids, "ids of a row");
  batch.targets = gather(&PackedRow::targets, "targets of a row");
  batch.documents = gather(&PackedRow::documents, "documents of a row");
  batch.positions = gather(&PackedRow::positions, "positions of a row");
  batch.target_count = batch.targets.ge(0).sum().item<std::int64_t>();
  const std::int64_t highest = batch.ids.max().item<std::int64_t>();
  if (highest >= config.vocab)
    throw InputError("[batch] token id {}, expected ids below vocab_size {}", highest, config.vocab);
  if (const std::int64_t position = batch.positions.max().item<std::int64_t>(); position >= config.max_positions)
    throw InputError("[batch] position {}, the model's positions end at {}", position, config.max_positions);

  const std::set<std::int64_t> ratios(config.compress_ratios.begin(), config.compress_ratios.end());
  for (const std::int64_t ratio : ratios)
    if (ratio != 0) batch.entries.push_back(plan_entries(rows, length, ratio));
  const auto frequencies = [](const std::vector<float>& values) { return torch::tensor(values, torch::kFloat32); };
  batch.plain_frequencies = frequencies(rotary_frequencies(config.rope_dim, config.rope_theta));
  batch.slow_frequencies = frequencies(yarn_frequencies(config.rope_dim, config.compress_rope_theta, config.yarn));
  const auto move = [&](torch::Tensor& tensor) { tensor = tensor.to(device); };
  for (torch::Tensor* tensor : {&batch.ids, &batch.targets, &batch.documents, &batch.positions,
                                &batch.plain_frequencies, &batch.slow_frequencies})
    move(*tensor);
  for (EntryPlan& plan : batch.entries)
    for (torch::Tensor* tensor : {&plan.first, &plan.documents, &plan.positions}) move(*tensor);
  return batch;
}

}  // namespace fathom::train
