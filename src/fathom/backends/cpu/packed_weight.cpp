#include "fathom/backends/cpu/packed_weight.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "fathom/backends/cpu/kernels/pack_fp4.h"
#include "fathom/tensor/numbers.h"
#include "fathom/tensor/weight_values.h"

namespace fathom {
namespace {

// 0x7f and 0xff, looked for eight codes at a time: only they carry into the top bit.
bool holds_e4m3_nan(std::span<const std::byte> codes) {
  constexpr std::uint64_t kLow = 0x7f7f7f7f7f7f7f7fU;
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  std::uint64_t found = 0;
  for (std::size_t index = 0; index < codes.size(); index += 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, codes.data() + index, std::min<std::size_t>(8, codes.size() - index));
    found |= (eight & kLow) + kOnes;
  }
  return (found & ~kLow) != 0;
}

// Whether a product with 2^120 keeps every scale finite, if it was.
bool scales_may_rise(const WeightView& weight) {
  constexpr std::uint8_t kLargestByte = 134;  // 2^7
  constexpr float kLargest = 0x1p7F;
  if (weight.scale_dtype == DType::f8_e8m0)
    return std::all_of(weight.scale.begin(), weight.scale.end(),
                       [](std::byte scale) { return static_cast<std::uint8_t>(scale) <= kLargestByte; });
  for (std::size_t index = 0; index < weight.scale.size(); index += 4) {
    float scale = 0.0F;
    std::memcpy(&scale, weight.scale.data() + index, 4);
    if (!(std::fabs(scale) <= kLargest)) return false;
  }
  return true;
}

CodeFormat code_format_of(const WeightView& weight) {
  const bool cut = !weight.scale.empty() && weight.scale_columns < weight.in;
  switch (weight.format) {
    case WeightFormat::f32: return CodeFormat::f32;
    case WeightFormat::bf16: return CodeFormat::bf16;
    case WeightFormat::fp8_block:
      if (cut && weight.scale_columns % block_columns(CodeFormat::fp8) != 0) return CodeFormat::f32;
      return !holds_e4m3_nan(weight.data) && scales_may_rise(weight) ? CodeFormat::fp8 : CodeFormat::f32;
    case WeightFormat::fp4_group:
      return cut && weight.scale_columns % block_columns(CodeFormat::fp4) != 0 ? CodeFormat::f32 : CodeFormat::fp4;
  }
  return CodeFormat::f32;
}

// One tile of elements of `Element` bytes: [block][output][column in block], the sources being plain rows.
template <std::int64_t kElementBytes>
void pack_plain_tile(const WeightView& weight, std::int64_t tile, std::byte* to) {
  constexpr std::int64_t kColumns = 4 / kElementBytes;  // a block gives an output four bytes
  const std::int64_t first = tile * kTileOutputs;
  const std::int64_t last = std::min(weight.out, first + kTileOutputs);
  const std::int64_t whole = weight.in / kColumns;
  // A cache line of every row at a time: what is read lies in as many lines as what is written.
  for (std::int64_t chunk = 0; chunk < whole; chunk += kChunkBlocks)
    for (std::int64_t row = first; row < last; ++row) {
      const std::byte* from = weight.data.data() + row * weight.in * kElementBytes;
      std::byte* block = to + (row - first) * 4 + chunk * kBlockBytes;
      for (std::int64_t index = chunk; index < std::min(whole, chunk + kChunkBlocks); ++index, block += kBlockBytes)
        std::memcpy(block, from + index * 4, 4);
    }
  const std::int64_t rest = weight.in - whole * kColumns;
  for (std::int64_t row = first; rest > 0 && row < last; ++row)
    std::memcpy(to + (row - first) * 4 + whole * kBlockBytes,
                weight.data.data() + (row * weight.in + whole * kColumns) * kElementBytes,
                static_cast<std::size_t>(rest * kElementBytes));
}

void pack_values_tile(const WeightView& weight, std::int64_t tile, std::byte* to) {
  const std::int64_t first = tile * kTileOutputs;
  const std::int64_t last = std::min(weight.out, first + kTileOutputs);
  for (std::int64_t row = first; row < last; ++row)
    for (std::int64_t column = 0; column < weight.in; ++column) {
      const float value = weight_value(weight, row, column);
      std::memcpy(to + column * kBlockBytes + (row - first) * 4, &value, sizeof(float));
    }
}

void pack_nibble_tile(const WeightView& weight, std::int64_t tile, std::byte* to) {
  const std::int64_t first = tile * kTileOutputs;
  const std::int64_t outputs = std::min(kTileOutputs, weight.out - first);
  const std::byte* rows[kTileOutputs] = {};
  for (std::int64_t output = 0; output < outputs; ++output)
    rows[output] = weight.data.data() + (first + output) * (weight.in / 2);
  pack_fp4_tile(rows, outputs, weight.in, to);
}

void pack_tile(const WeightView& weight, const PackedTiles& tiles, std::int64_t tile, std::byte* to) {
  if (tiles.code_format == CodeFormat::f32 && weight.format != WeightFormat::f32)
    return pack_values_tile(weight, tile, to);
  switch (tiles.code_format) {
    case CodeFormat::f32: return pack_plain_tile<4>(weight, tile, to);
    case CodeFormat::bf16:
    case CodeFormat::indexed_bf16: return pack_plain_tile<2>(weight, tile, to);
    case CodeFormat::fp8: return pack_plain_tile<1>(weight, tile, to);
    case CodeFormat::fp4: return pack_nibble_tile(weight, tile, to);
  }
}

bool is_scaled(const PackedTiles& tiles) {
  return tiles.code_format == CodeFormat::fp8 || tiles.code_format == CodeFormat::fp4;
}

std::int64_t scale_bytes(const PackedTiles& tiles) { return tiles.scale_format == ScaleFormat::f32 ? 4 : 1; }

bool is_moderate(std::byte scale) {
  const int exponent = std::to_integer<int>(scale) - 127;
  return exponent >= kLeastModerateScale && exponent <= kMostModerateScale;
}

// All but the bytes.
PackedTiles layout_of(const WeightView& weight) {
  PackedTiles tiles;
  tiles.out = weight.out;
  tiles.in = weight.in;
  tiles.code_format = code_format_of(weight);
  tiles.group_columns = std::max<std::int64_t>(weight.in, 1);
  tiles.groups = 1;
  if (!is_scaled(tiles)) return tiles;
  const bool floats = !weight.scale.empty() && weight.scale_dtype == DType::f32;
  tiles.scale_format = floats ? ScaleFormat::f32 : ScaleFormat::e8m0;
  tiles.moderate_scales = !floats && std::all_of(weight.scale.begin(), weight.scale.end(), is_moderate);
  if (weight.scale.empty()) return tiles;
  tiles.group_columns = weight.scale_columns;
  tiles.groups = scale_columns_of(weight);
  return tiles;
}

std::int64_t bytes_of_codes(const PackedTiles& tiles) { return tiles.tiles() * tiles.tile_bytes(); }
std::int64_t bytes_of_scales(const PackedTiles& tiles) {
  return is_scaled(tiles) ? tiles.tiles() * tiles.groups * kTileOutputs * scale_bytes(tiles) : 0;
}

template <std::size_t kScaleBytes>
void copy_scales(const WeightView& weight, const PackedTiles& tiles, std::int64_t tile, std::byte* to) {
  const std::int64_t first = tile * kTileOutputs;
  for (std::int64_t row = first; row < std::min(weight.out, first + kTileOutputs); ++row) {
    const std::byte* from = weight.scale.data() + row / weight.scale_rows * tiles.groups * kScaleBytes;
    std::byte* lane = to + (row - first) * kScaleBytes;
    for (std::int64_t group = 0; group < tiles.groups; ++group, from += kScaleBytes, lane += kTileOutputs * kScaleBytes)
      std::memcpy(lane, from, kScaleBytes);
  }
}

void pack_tile_scales(const WeightView& weight, const PackedTiles& tiles, std::int64_t tile, std::byte* scales) {
  constexpr std::byte kOne{127};  // 2^0
  const std::int64_t bytes = tiles.groups * kTileOutputs * scale_bytes(tiles);
  std::byte* to = scales + tile * bytes;
  if (weight.scale.empty()) {
    std::fill_n(to, bytes, kOne);
  } else if (scale_bytes(tiles) == 4) {
    copy_scales<4>(weight, tiles, tile, to);
  } else {
    copy_scales<1>(weight, tiles, tile, to);
  }
}

// Outputs [first, last) as a weight of their own.
WeightView outputs_of(const WeightView& weight, std::int64_t first, std::int64_t last) {
  WeightView part = weight;
  part.out = last - first;
  const std::size_t row_bytes = weight.data.size() / static_cast<std::size_t>(weight.out);
  part.data =
      weight.data.subspan(static_cast<std::size_t>(first) * row_bytes, static_cast<std::size_t>(part.out) * row_bytes);
  if (weight.scale.empty()) return part;
  const std::int64_t scale_row = first / weight.scale_rows;
  const std::int64_t scale_rows = (last + weight.scale_rows - 1) / weight.scale_rows - scale_row;
  const auto bytes = static_cast<std::size_t>(scale_columns_of(weight) * (weight.scale_dtype == DType::f32 ? 4 : 1));
  part.scale =
      weight.scale.subspan(static_cast<std::size_t>(scale_row) * bytes, static_cast<std::size_t>(scale_rows) * bytes);
  check(first % weight.scale_rows == 0 || scale_rows == 1, "a piece of outputs begins with a row of scales");
  return part;
}

// Blocks with an upper byte that is not among the sixteen, each a memory read of its own; of 32 values each.
constexpr double kMostPlainShare = 1.0 / 8;
constexpr double kMostOthers = kMostPlainShare / 32;

// Some rows' upper bytes, where a weight may be packed by them; else one that no weight would be.
UpperBytes upper_bytes_of(const WeightView& weight, std::int64_t least_bytes) {
  constexpr std::int64_t kRows = 256;
  const auto bytes = static_cast<std::int64_t>(weight.data.size());
  if (weight.format != WeightFormat::bf16 || weight.in % 2 != 0 || bytes == 0 || bytes < least_bytes) return {};
  const std::int64_t rows = std::min(kRows, weight.out);
  std::vector<std::uint16_t> values(static_cast<std::size_t>(rows * weight.in));
  for (std::int64_t row = 0; row < rows; ++row)
    std::memcpy(values.data() + row * weight.in, weight.data.data() + row * weight.out / rows * weight.in * 2,
                static_cast<std::size_t>(weight.in) * 2);
  return choose_upper_bytes(values);
}

// The pool divides pieces of outputs as products do.
template <typename Body>
void for_each_tile(const PackedTiles& tiles, ThreadPool& pool, const Body& body) {
  constexpr std::int64_t kTiles = kPieceOutputs / kTileOutputs;
  const std::int64_t pieces = (tiles.out + kPieceOutputs - 1) / kPieceOutputs;
  pool.parallel_for(pieces, 1, [&](std::int64_t first, std::int64_t last, std::int64_t /*worker*/) {
    for (std::int64_t tile = first * kTiles; tile < std::min(last * kTiles, tiles.tiles()); ++tile) body(tile);
  });
}

}  // namespace

PackedWeight::PackedWeight(const WeightView& weight, ThreadPool& pool, Allocator& memory,
                           std::int64_t least_indexed_bytes)
    : PreparedWeight(weight.out, weight.in) {
  check_weight(weight);
  tiles_ = layout_of(weight);
  const UpperBytes upper = upper_bytes_of(weight, least_indexed_bytes);
  if (upper.others >= kMostOthers || !pack_indexed(weight, upper, pool, memory)) pack(weight, pool, memory);
}

std::int64_t PackedWeight::bytes() const {
  return codes_.bytes() + scales_.bytes() + std::ssize(plain_blocks_) * std::int64_t{sizeof(PlainBlock)} +
         (sketch_ ? sketch_->bytes() : 0);
}

void PackedWeight::pack(const WeightView& weight, ThreadPool& pool, Allocator& memory) {
  codes_ = Memory(memory, bytes_of_codes(tiles_));
  scales_ = Memory(memory, bytes_of_scales(tiles_));
  tiles_.codes = codes_.data();
  tiles_.scales = scales_.data();
  for_each_tile(tiles_, pool, [&](std::int64_t tile) {
    pack_tile(weight, tiles_, tile, codes_.data() + tile * tiles_.tile_bytes());
    if (is_scaled(tiles_)) pack_tile_scales(weight, tiles_, tile, scales_.data());
  });
}

bool PackedWeight::pack_indexed(const WeightView& weight, const UpperBytes& upper, ThreadPool& pool,
                                Allocator& memory) {
  PackedTiles tiles = tiles_;
  tiles.code_format = CodeFormat::indexed_bf16;
  Memory codes(memory, bytes_of_codes(tiles));
  std::vector<std::vector<PlainBlock>> plain(static_cast<std::size_t>(tiles.tiles()));
  for_each_tile(tiles, pool, [&](std::int64_t tile) {
    std::vector<std::byte> blocks(static_cast<std::size_t>(tiles.blocks() * kBlockBytes));
    pack_plain_tile<2>(weight, tile, blocks.data());
    index_tile(blocks, upper, codes.data() + tile * tiles.tile_bytes(), plain[static_cast<std::size_t>(tile)]);
  });
  std::int64_t count = 0;
  for (const std::vector<PlainBlock>& blocks : plain) count += std::ssize(blocks);
  if (count > kMostPlainShare * tiles.tiles() * tiles.blocks())
    return false;  // the rows that were looked at are not like the rest
  plain_blocks_.reserve(static_cast<std::size_t>(count));
  first_plain_.push_back(0);
  for (const std::vector<PlainBlock>& blocks : plain) {
    plain_blocks_.insert(plain_blocks_.end(), blocks.begin(), blocks.end());
    first_plain_.push_back(std::ssize(plain_blocks_));
  }
  upper_bytes_ = upper.bytes;
  codes_ = std::move(codes);
  tiles.codes = codes_.data();
  tiles.upper_bytes = upper_bytes_.data();
  tiles.plain_blocks = plain_blocks_.data();
  tiles.first_plain = first_plain_.data();
  tiles_ = tiles;
  return true;
}

PackedTiles pack_piece(const WeightView& weight, std::int64_t first, std::int64_t last, Arena& scratch) {
  const WeightView part = outputs_of(weight, first, last);
  PackedTiles tiles = layout_of(part);
  const auto codes = scratch.take<std::byte, 1>({bytes_of_codes(tiles)});
  // What is packed leaves out outputs and columns beyond the matrix.
  if (part.out % kTileOutputs != 0 || part.in % block_columns(tiles.code_format) != 0)
    std::memset(codes.data(), 0, static_cast<std::size_t>(codes.size()));
  tiles.codes = codes.data();
  const auto scales = scratch.take<std::byte, 1>({bytes_of_scales(tiles)});
  if (part.out % kTileOutputs != 0) std::memset(scales.data(), 0, static_cast<std::size_t>(scales.size()));
  tiles.scales = scales.data();
  for (std::int64_t tile = 0; tile < tiles.tiles(); ++tile) {
    pack_tile(part, tiles, tile, codes.data() + tile * tiles.tile_bytes());
    if (is_scaled(tiles)) pack_tile_scales(part, tiles, tile, scales.data());
  }
  return tiles;
}

const PackedTiles& packed(const PreparedWeight& weight) {
  const auto* ours = dynamic_cast<const PackedWeight*>(&weight);
  check(ours != nullptr, "a weight of a linear product was prepared for products by the cpu backend");
  return ours->tiles();
}

}  // namespace fathom
