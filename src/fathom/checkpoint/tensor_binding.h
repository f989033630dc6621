// The table of spec against the pieces of the files: every tensor bound to its bytes, or named as a fault.
#pragma once

#include <vector>

#include "fathom/checkpoint/fault_list.h"
#include "fathom/checkpoint/tensor_pieces.h"
#include "fathom/spec/tensor_table.h"

namespace fathom {

// One logical tensor and where it lies. `scale` is null when its storage has none.
struct TensorBinding {
  const TensorSpec* spec = nullptr;
  Storage storage = Storage::f32;
  const TensorPiece* values = nullptr;
  const TensorPiece* scale = nullptr;
};

// Missing tensors, wrong types and shapes, and pieces that the table does not know go to `faults`. The result borrows
// `table` and `pieces`, in the table's order, without the faulty ones.
std::vector<TensorBinding> bind_tensors(const std::vector<TensorSpec>& table, const TensorPieces& pieces,
                                        FaultList& faults);

}  // namespace fathom
