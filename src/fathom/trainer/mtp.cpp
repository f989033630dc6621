#include "fathom/trainer/mtp.h"

#include "fathom/trainer/arithmetic.h"

namespace fathom::train {
namespace {

using torch::Tensor;

// values [rows, length] one place to the left; `last` enters.
Tensor shifted(const Tensor& values, std::int64_t last) {
  return torch::constant_pad_nd(values.narrow(1, 1, values.size(1) - 1), {0, 1}, last);
}

}  // namespace

Tensor Mtp::next_of_document(const Tensor& values, std::int64_t otherwise) const {
  const Tensor& documents = step_.batch().documents;
  return shifted(values, otherwise).masked_fill_(shifted(documents, -3).ne(documents), otherwise);
}

Tensor Mtp::targets() const { return next_of_document(step_.batch().targets, -1); }

// streams = h_proj(hnorm(trunk streams)) + e_proj(enorm(embedding)), the embedding repeated over the streams
Block::Result Mtp::forward(const Tensor& streams, const Tensor& chosen) const {
  const ModelConfig& config = step_.config();
  const double eps = static_cast<double>(config.norm_eps);
  const Tensor next = next_of_document(step_.batch().ids, 0).flatten();
  const Tensor embedded = torch::embedding(step_.wide_weight("embed"), next).to(step_.compute());
  const Tensor e =
      project(rms_norm(embedded, step_.wide_weight("mtp.0.enorm.weight"), eps), step_.weight("mtp.0.e_proj"));
  const Tensor h = project(rms_norm(streams, step_.wide_weight("mtp.0.hnorm.weight"), eps).view({-1, config.channels}),
                           step_.weight("mtp.0.h_proj"));
  const Tensor joined = h.view_as(streams) + e.unsqueeze(1);
  return Block(step_, config.layers, "mtp.0.").forward(joined, chosen, false);
}

}  // namespace fathom::train
