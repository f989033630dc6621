// A weight packed for the linear kernels, in the precision it was released in.
#pragma once

#include "fathom/backends/cpu/kernels/packed_tiles.h"
#include "fathom/base/thread_pool.h"
#include "fathom/ops/arguments.h"
#include "fathom/tensor/memory.h"

namespace fathom {

class PackedWeight final : public PreparedWeight {
 public:
  // Copies. What the released formats cannot say to the kernels (codes of NaN, scales beyond 2^7 beside FP8, scale
  // blocks that cut a packed block) is packed as f32, of the same values.
  PackedWeight(const WeightView& weight, ThreadPool& pool);

  const PackedTiles& tiles() const { return tiles_; }
  std::int64_t bytes() const { return codes_.bytes() + scales_.bytes(); }

 private:
  void pack_codes(const WeightView& weight, ThreadPool& pool);
  void pack_scales(const WeightView& weight);

  PackedTiles tiles_;
  Memory codes_;
  Memory scales_;
};

// The packed form of a weight that this backend prepared for products; InternalError for any other.
const PackedTiles& packed(const PreparedWeight& weight);

}  // namespace fathom
