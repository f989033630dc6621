// The orthogonal factor of many matrices at once: what Muon makes of a momentum (report, Algorithm 1).
#pragma once

#include <torch/types.h>

namespace fathom::train {

// matrices, result: [count, out, in], of the same type. For M = U S V^T the result is near U V^T: every singular value
// of M above 1e-4 of |M|_F comes out within 1e-2 of 1, smaller ones grow by 3.4445 in each of the first eight steps,
// and 0 stays 0. Products are bfloat16 on CUDA, else of the matrices' own type.
torch::Tensor orthogonalize(const torch::Tensor& matrices);

}  // namespace fathom::train
