// How products lie in device memory, for kernels and for the host alike. A weight is cut into tiles of 64 outputs by
// 128 inputs, each one contiguous piece whose bytes stand in the order in which the 128 threads of a warpgroup hold
// them as the first operand of a matrix instruction; FP8's stand as blocks of activations do, so that they can be
// either operand, and a warp turns what it loads (load_operand). Rows of activations are cut into blocks of some
// columns by 128 inputs, in the order in which the instruction reads its second operand from shared memory.
//
// Thread 32 w + 4 g + t of a warpgroup holds the rows 16 w + g and 16 w + 8 + g of a tile and, in every run of 16
// inputs, the inputs 4 t .. 4 t + 3 (a matrix instruction of 16-bit operands numbers them 2t, 2t+1, 2t+8, 2t+9).
#pragma once

#include <cstdint>

namespace fathom::cuda {

inline constexpr int kTileRows = 64;
inline constexpr int kPrefillColumns = 64;  // of a block of many rows: those of few have 8, 16 or 32
inline constexpr int kBlockInputs = 128;    // one scale of released FP8 activations, one sum inside the tensor core
inline constexpr int kWarpgroupThreads = 128;

enum class TileKind : std::uint8_t {
  fp4,  // e2m1; 64 x 4 bytes, 8 times how far each group of 32 lies below its row; then 64 exponents of rows
  fp8,  // e4m3; then 64 exponents of rows, all equal; then padding
  f16,  // binary16; then 64 exponents of rows; then padding. bfloat16 in one part, float32 in two
};

// An FP4 tile is even where each row's exponent is the same in all blocks of inputs, lies between 2^-40 and 1, and no
// group that holds anything lies 2^12 or more below it. Then the row's power of two may be left for the end of its sum,
// which neither overflows nor underflows without it (kMostActivation). Bit 0 of every byte of groups says so.
inline constexpr std::uint32_t kEvenTile = 1;
inline constexpr std::uint32_t kPlacesOfGroups = 0xf8f8f8f8U;
inline constexpr int kMostBelowOne = 40;
inline constexpr std::uint8_t kUneven = 255;

enum class Operand : std::uint8_t { e4m3, f16 };  // what the matrix instruction multiplies

// Groups of FP4 whose scale lies 2^kLowestGroup or more below the largest of their row's 128 inputs count as zero; with
// e4m3 activations those beyond kLowestGroupE4m3 do.
inline constexpr int kLowestGroup = 26;
inline constexpr int kLowestGroupE4m3 = 12;
inline constexpr int kFp4LiftE4m3 = 6;  // FP4 is held 2^6 too large as e4m3 and 2^12 too large as binary16
inline constexpr int kFp4LiftF16 = 12;

constexpr int codes_bytes(TileKind kind) { return kind == TileKind::fp4 ? 4096 : kind == TileKind::fp8 ? 8192 : 16384; }
constexpr int group_bytes(TileKind kind) { return kind == TileKind::fp4 ? 4 * kTileRows : 0; }
constexpr int exponents_at(TileKind kind) { return codes_bytes(kind) + group_bytes(kind); }
// The copy engine brought a multiprocessor 112 bytes a nanosecond in large copies of whole lines, and 64 in pieces of
// 64.5 lines (docs/notes/2026-11-30-cuda-lone-output.md), so a tile is whole lines. FP4 is copied in fours of tiles
// where that counts.
inline constexpr int kLineOfCopies = 128;
constexpr int tile_bytes(TileKind kind) {
  const int bytes = exponents_at(kind) + kTileRows;
  return kind == TileKind::fp4 ? bytes : (bytes + kLineOfCopies - 1) / kLineOfCopies * kLineOfCopies;
}

constexpr int operand_bytes(Operand operand) { return operand == Operand::e4m3 ? 1 : 2; }
// A float32 row is two columns of binary16, the second 2^11 finer; a row rounded to e4m3 is one column.
constexpr int columns_of_row(Operand operand) { return operand == Operand::e4m3 ? 1 : 2; }

// A block: `columns` x 128 operands, then one float of scale per column.
constexpr int block_bytes(Operand operand, int columns) {
  return columns * (kBlockInputs * operand_bytes(operand) + 4);
}

// The byte at which (column, byte of the 128 inputs) of a block lies: pieces of 8 columns by 16 bytes.
constexpr int block_offset(Operand operand, int column, int input_byte) {
  return column / 8 * (8 * kBlockInputs * operand_bytes(operand)) + input_byte / 16 * 128 + column % 8 * 16 +
         input_byte % 16;
}

// Where the instruction wants input `k` of 128: its place in the block's order of inputs.
constexpr int input_place(Operand operand, int k) {
  if (operand == Operand::e4m3) return k;
  const int thread = k % 16 / 4;
  return k / 16 * 16 + 2 * thread + (k & 1) + 8 * ((k >> 1) & 1);
}

constexpr std::int64_t pieces_of(std::int64_t size, std::int64_t piece) { return (size + piece - 1) / piece; }

}  // namespace fathom::cuda
