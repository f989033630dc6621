// What a sublayer's beginning hands to its gates.
#pragma once

#include "fathom/ops/fused_arguments.h"

namespace fathom {

// mix [tokens, (2 + streams) * streams]
inline HyperConnectionGatesArgs gates_of(const HyperConnectionArgs& args, View<const float, 2> mix) {
  return {.streams = args.streams,
          .mix = mix,
          .scale = args.scale,
          .base = args.base,
          .iterations = args.iterations,
          .eps = args.eps,
          .norm_eps = args.norm_eps,
          .pre = args.pre,
          .post = args.post,
          .comb = args.comb};
}

}  // namespace fathom
