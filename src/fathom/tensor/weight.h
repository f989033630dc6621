// The weight of a linear map as the checkpoint stores it: [out, in], in released precision, never widened here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "fathom/tensor/dtype.h"

namespace fathom {

enum class WeightFormat : std::uint8_t {
  f32,
  bf16,
  fp8_block,  // F8_E4M3 [out, in]; one scale per scale_rows x scale_columns block, edge blocks partial
  fp4_group,  // I8 [out, in / 2], low nibble = even column; one scale per 1 x scale_columns group
};

// Borrowed bytes: valid while the checkpoint (or whoever made them) lives.
struct WeightView {
  std::string_view name = {};  // as the checkpoint calls it, "layers.0.attn.wq_a"; may be empty
  WeightFormat format = WeightFormat::f32;
  std::int64_t out = 0;
  std::int64_t in = 0;
  std::span<const std::byte> data;     // out * in elements, row-major
  std::span<const std::byte> scale;    // [ceil(out / scale_rows), ceil(in / scale_columns)], empty when unscaled
  DType scale_dtype = DType::f8_e8m0;  // f8_e8m0 (value = 2^(byte-127)) or f32 (Base checkpoints)
  std::int64_t scale_rows = 1;         // 128 for fp8_block, 1 for fp4_group
  std::int64_t scale_columns = 1;      // 128 for fp8_block, 32 for fp4_group
};

}  // namespace fathom
