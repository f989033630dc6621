// Values through the released number formats and back, bit for bit as checkpoint/quantize.h and ops/cache_format.h
// store them. Gradients pass straight through.
#pragma once

#include <torch/types.h>

#include "fathom/spec/tensor_table.h"

namespace fathom::train {

// values [..., rows, columns] of a weight under `storage`: scale blocks are 128 x 128 of the last two dimensions for
// fp8_block, 1 x 32 for fp4_group. Integer storages are an InternalError.
torch::Tensor fake_quantize(const torch::Tensor& values, Storage storage);

// A window's or a compression's entries [..., head_dim]: nope columns through FP8 in groups of 64, rope columns through
// BF16.
torch::Tensor fake_quantize_entries(const torch::Tensor& entries, std::int64_t rope_dim);

// The indexer's queries or keys [..., index_dim]: Hadamard transform, then FP4 in groups of 32.
torch::Tensor fake_quantize_index(const torch::Tensor& values);

// x H / sqrt(dim) over the last dimension, a power of two.
torch::Tensor hadamard(const torch::Tensor& x);

}  // namespace fathom::train
