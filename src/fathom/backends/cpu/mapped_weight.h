// An expert's weight used where the checkpoint has it, for models that are larger than memory: the page cache keeps
// what is used often, and a piece of outputs is packed when it is multiplied. The bits are those of packed weights.
#pragma once

#include "fathom/ops/arguments.h"
#include "fathom/tensor/weight.h"

namespace fathom {

class MappedWeight final : public PreparedWeight {
 public:
  // Whether its pieces of outputs have whole rows of scales, or one; the released formats have.
  static bool fits(const WeightView& weight);
  // Borrows.
  explicit MappedWeight(const WeightView& weight);

  const WeightView& view() const { return view_; }
  // Asks the system to read the weight ahead; returns at once. Bytes that are no file's are left alone.
  void will_need() const;

 private:
  WeightView view_;
};

}  // namespace fathom
