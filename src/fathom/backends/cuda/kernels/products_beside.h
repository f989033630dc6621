// Products of few rows that share a launch with something that does not depend on them: what is small alone takes no
// time of its own, and weights come while the device would wait.
#pragma once

#include <span>

#include "fathom/backends/cuda/kernels/expert_plan.h"
#include "fathom/backends/cuda/kernels/product_launch.h"
#include "fathom/backends/cuda/kernels/route.h"

namespace fathom::cuda {

// Work whose rows the product packs itself (products_pack).
struct BesideProduct {
  TileKind kind = TileKind::f16;
  Operand operand = Operand::f16;
  ProductWork work;
  DecodeShape shape;

  unsigned blocks() const { return static_cast<unsigned>(work.pairs * shape.cluster); }
};

// `first` of FP8 weights, `second` of binary16; their shapes are shapes_beside.
void launch_two_products(const BesideProduct& first, const BesideProduct& second, Stream stream);

// A product of FP8 weights beside the gate's choice, and the plan of the experts for it (of one token; null: none).
void launch_product_beside_route(const BesideProduct& product, const RouteKernel& route, const ExpertPlan* plan,
                                 Stream stream);

// What products.cpp makes of them; false where they cannot share a launch, and nothing has been done.
//
// Two kinds of weights over the same rows: `first` are FP8 and meet rows of `operand`, `second` are binary16.
bool multiply_two_kinds(const ProductDevice& device, std::span<const ProductOutput> first,
                        std::span<const ProductOutput> second, Operand operand, const RowsOfX& x, Stream stream);
// A product of SwiGLU's rows beside the gate's choice, and beside the plan of a lone token's experts (null: none).
bool multiply_beside_route(const ProductDevice& device, const ProductOutput& output, Operand operand,
                           const SwigluRows& rows, const RouteKernel& route, const ExpertPlan* plan, Stream stream);

}  // namespace fathom::cuda
