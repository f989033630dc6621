// Rows of logits where the backend has them. What the sampler needs of a row comes as a shortlist where the backend has
// such a thing and the request's sampling allows it; else the row comes whole. The token is the same.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fathom/engine/sampler.h"
#include "fathom/ops/backend.h"

namespace fathom {

// How a row will be asked for.
struct WantedRow {
  SamplingParams params = {};
  std::int64_t position = 0;  // of the token to be sampled
  bool needs_all = false;     // a mask, or a question about any token
};

class LogitRows {
 public:
  // logits [rows, vocab], of which the first `ids` may be chosen; they outlive this.
  LogitRows(Backend& backend, View<const float, 2> logits, std::int64_t ids, std::vector<WantedRow> wanted);

  // Everything that the row's answers need is on the host when this returns: faults of the device come here, or from
  // the constructor.
  void bring(std::int64_t row);
  // InternalError as `sample` throws.
  SampledToken sample(std::int64_t row, std::span<const std::uint32_t> allowed = {});
  // By how much the token's logit is above the largest of all others, below 0 where it is not.
  float margin_of(std::int64_t row, std::int32_t token);

 private:
  const Shortlist* shortlist(std::int64_t row) const;
  // The row on the host, until the next is asked for.
  std::span<const float> whole(std::int64_t row);

  Backend& backend_;
  View<const float, 2> logits_;
  std::vector<WantedRow> wanted_;
  std::vector<Shortlist> shortlists_;  // of all rows, or of none
  std::vector<float> room_;
  std::int64_t in_room_ = -1;
};

}  // namespace fathom
