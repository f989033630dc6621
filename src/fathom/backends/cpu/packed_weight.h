// A weight packed for the linear kernels, in the precision it was released in.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "fathom/backends/cpu/head_sketch.h"
#include "fathom/backends/cpu/kernels/indexed_bf16.h"
#include "fathom/backends/cpu/kernels/packed_tiles.h"
#include "fathom/base/thread_pool.h"
#include "fathom/ops/arguments.h"
#include "fathom/tensor/arena.h"
#include "fathom/tensor/memory.h"

namespace fathom {

// Outputs that a thread packs, and multiplies, at a time: four tiles, enough accumulators for a single row.
inline constexpr std::int64_t kPieceOutputs = 64;

class PackedWeight final : public PreparedWeight {
 public:
  // Copies. What the released formats cannot say to the kernels (codes of NaN, scales beyond 2^7 beside FP8, scale
  // blocks that cut a packed block) is packed as f32, of the same values. The pool divides pieces of outputs as
  // products do, so that a thread writes first, and in memory near it, what it will read. bf16 of at least
  // `least_indexed_bytes`, too large for caches, is packed in twelve bits a value (Note [Bf16 in twelve bits]).
  PackedWeight(const WeightView& weight, ThreadPool& pool, Allocator& memory, std::int64_t least_indexed_bytes);

  const PackedTiles& tiles() const { return tiles_; }
  std::int64_t bytes() const;

  // Of a head (Note [A head's sketch]).
  void add_sketch(const WeightView& weight, ThreadPool& pool, Allocator& memory, std::int64_t least_divided) {
    sketch_.emplace(weight, pool, memory, least_divided);
  }
  const std::optional<HeadSketch>& sketch() const { return sketch_; }

 private:
  void pack(const WeightView& weight, ThreadPool& pool, Allocator& memory);
  // False where too many blocks would have to be held as they are.
  bool pack_indexed(const WeightView& weight, const UpperBytes& upper, ThreadPool& pool, Allocator& memory);

  PackedTiles tiles_;
  Memory codes_;
  Memory scales_;
  std::array<std::uint8_t, 16> upper_bytes_{};
  std::vector<PlainBlock> plain_blocks_;
  std::vector<std::int64_t> first_plain_;
  std::optional<HeadSketch> sketch_;
};

// Outputs [first, last) of a weight, packed into scratch memory by this thread; `first` is a multiple of kPieceOutputs.
PackedTiles pack_piece(const WeightView& weight, std::int64_t first, std::int64_t last, Arena& scratch);

// The packed form of a weight that this backend prepared for products; InternalError for any other.
const PackedTiles& packed(const PreparedWeight& weight);

}  // namespace fathom
