// Products of many rows whose result leaves as what comes next reads it: e4m3 rows of the next product, or queries
// (turned_product.cuh). Each says whether it does so; if not it has done nothing, and the result has to be made in
// several steps, with the same bits.
#pragma once

#include <optional>

#include "fathom/backends/cuda/kernels/new_rows.h"
#include "fathom/backends/cuda/kernels/products.h"

namespace fathom::cuda {

// multiply_groups, then pack_rows of all groups' outputs side by side. `workspace` holds packed_rows_bytes of them.
std::optional<PackedRows> multiply_groups_packed(const ProductDevice& device, const ProductWeight& weight,
                                                 const PackedRows& x, std::uint8_t* workspace, Stream stream);

// multiply of both, then pack_swiglu without weights.
std::optional<PackedRows> multiply_swiglu(const ProductDevice& device, const ProductWeight& gate,
                                          const ProductWeight& up, const PackedRows& x, float limit,
                                          std::uint8_t* workspace, Stream stream);

// multiply, then launch_rounded_queries, whose x is not written.
std::int64_t queries_workspace_bytes(const ProductDevice& device);
bool multiply_queries(const ProductDevice& device, const ProductWeight& weight, const PackedRows& x,
                      const RoundedQueriesKernel& queries, std::uint8_t* workspace, Stream stream);

}  // namespace fathom::cuda
