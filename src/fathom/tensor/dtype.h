// Element types as safetensors names them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace fathom {

enum class DType : std::uint8_t { f32, f16, bf16, f8_e4m3, f8_e8m0, i8, u8, i32, i64 };

inline constexpr DType kAllDTypes[] = {DType::f32, DType::f16, DType::bf16, DType::f8_e4m3, DType::f8_e8m0,
                                       DType::i8,  DType::u8,  DType::i32,  DType::i64};

constexpr std::int64_t byte_size(DType dtype) {
  switch (dtype) {
    case DType::i64: return 8;
    case DType::f32:
    case DType::i32: return 4;
    case DType::f16:
    case DType::bf16: return 2;
    case DType::f8_e4m3:
    case DType::f8_e8m0:
    case DType::i8:
    case DType::u8: return 1;
  }
  return 0;
}

// "F32", "BF16", "F8_E4M3", ...
constexpr std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::f32: return "F32";
    case DType::f16: return "F16";
    case DType::bf16: return "BF16";
    case DType::f8_e4m3: return "F8_E4M3";
    case DType::f8_e8m0: return "F8_E8M0";
    case DType::i8: return "I8";
    case DType::u8: return "U8";
    case DType::i32: return "I32";
    case DType::i64: return "I64";
  }
  return "?";
}

constexpr std::optional<DType> dtype_from_name(std::string_view name) {
  for (const DType dtype : kAllDTypes)
    if (name_of(dtype) == name) return dtype;
  return std::nullopt;
}

}  // namespace fathom
