// Rows of logits where the backend has them. What the sampler needs of a row comes as a shortlist where the backend has
// such a thing and the request's sampling allows it; else the row comes whole, and is computed first where the step
// left that. The token is the same.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fathom/engine/sampler.h"
#include "fathom/model/logits.h"

namespace fathom {

// How a row will be asked for.
struct WantedRow {
  SamplingParams params = {};
  std::int64_t position = 0;  // of the token to be sampled
  bool needs_all = false;     // a mask, or a question about any token
};

class LogitRows {
 public:
  // Of whose vocabulary the first `ids` may be chosen; what `logits` views outlives this.
  LogitRows(Backend& backend, const Logits& logits, std::int64_t ids, std::vector<WantedRow> wanted);

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
  void find_shortlists();
  // Those rows for which there is no shortlist, and that were left.
  void compute_the_rest();
  void compute(std::int64_t first, std::int64_t last);

  Backend& backend_;
  Logits logits_;
  std::vector<char> is_there_;  // of every row: it is computed
  std::vector<WantedRow> wanted_;
  std::vector<Shortlist> shortlists_;  // of all rows, or of none
  std::vector<float> room_;
  std::int64_t in_room_ = -1;
};

}  // namespace fathom
