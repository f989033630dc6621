#include "fathom/checkpoint/weight_source.h"

#include "fathom/base/error.h"

namespace fathom {

WeightView weight_layout(const TensorSpec& spec, Storage storage) {
  WeightView view{.name = spec.name, .out = spec.shape[0], .in = spec.shape[1], .data = {}, .scale = {}};
  switch (storage) {
    case Storage::f32: view.format = WeightFormat::f32; break;
    case Storage::bf16: view.format = WeightFormat::bf16; break;
    case Storage::fp8_block:
      view.format = WeightFormat::fp8_block;
      view.scale_rows = kFp8Block;
      view.scale_columns = kFp8Block;
      break;
    case Storage::fp4_group:
      view.format = WeightFormat::fp4_group;
      view.scale_columns = kFp4Group;
      break;
    default: throw InternalError("[checkpoint] {} is no linear's storage", name_of(storage));
  }
  return view;
}

}  // namespace fathom
