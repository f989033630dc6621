// The tokens among which the sampler's choice is (ops/shortlist.h).
#pragma once

#include "fathom/backends/cuda/kernels/launching.h"
#include "fathom/ops/shortlist.h"

namespace fathom::cuda {

inline constexpr std::int64_t kShortlistPart = 1024;  // ids of a thread block

// What a block found.
struct ShortlistPart {
  static constexpr int kMost = 4;

  double most = 0.0;  // logit / temperature + G
  int count = 0;      // of tokens within the margin of it; more than kMost: too many; -1: a logit is none, or too large
  float largest = 0.0F;
  float second = 0.0F;
  int tokens[kMost] = {};
  float logits[kMost] = {};
  double sums[kMost] = {};
};

struct ShortlistKernel {
  const float* logits;       // [rows, row_stride]
  const ShortlistRow* rows;  // [rows]
  ShortlistPart* parts;      // [rows, parts of a row]
  Shortlist* out;            // [rows]
  std::int64_t row_stride;
  std::int64_t count;  // rows
  std::int64_t ids;

  std::int64_t parts_of_row() const { return (ids + kShortlistPart - 1) / kShortlistPart; }
};
void launch_shortlist(const ShortlistKernel& args, Stream stream);

}  // namespace fathom::cuda
