#include "fathom/backends/cuda/kernels/products_beside.h"

#include <algorithm>

#include "fathom/backends/cuda/kernels/decode_product.cuh"
#include "fathom/backends/cuda/kernels/expert_plan_few.cuh"
#include "fathom/backends/cuda/kernels/route_token.cuh"

namespace fathom::cuda {
namespace {

constexpr int kColumns = 8;
constexpr int kResident = 2;

// The blocks of `first` come first.
template <TileKind kFirst, Operand kFirstOperand, TileKind kSecond, Operand kSecondOperand, OwnPacking kPacking>
__global__ void __launch_bounds__(kDecodeThreads, kResident)
    two_products(const __grid_constant__ ProductWork first, const DecodeShape first_shape,
                 const __grid_constant__ ProductWork second, const DecodeShape second_shape) {
  extern __shared__ __align__(128) std::uint8_t memory[];
  const auto blocks = static_cast<unsigned>(first.pairs * first_shape.cluster);
  if (blockIdx.x < blocks) {
    DecodeProduct<kFirst, kFirstOperand, kColumns, kPacking>(first, first_shape, memory, blockIdx.x).run();
  } else {
    DecodeProduct<kSecond, kSecondOperand, kColumns, kPacking>(second, second_shape, memory, blockIdx.x - blocks).run();
  }
}

// The first cluster has the tokens' choices.
template <TileKind kKind, Operand kOperand>
__global__ void __launch_bounds__(kDecodeThreads, resident_blocks(kKind, kOperand, kColumns))
    product_beside_route(const __grid_constant__ ProductWork work, const DecodeShape shape,
                         const __grid_constant__ RouteKernel route, const __grid_constant__ ExpertPlan plan) {
  extern __shared__ __align__(128) std::uint8_t memory[];
  const auto cluster = static_cast<unsigned>(shape.cluster);
  if (blockIdx.x >= cluster) {
    DecodeProduct<kKind, kOperand, kColumns, OwnPacking::swiglu>(work, shape, memory, blockIdx.x - cluster).run();
    const std::int64_t threads = std::int64_t{gridDim.x - cluster} * kDecodeThreads;
    clear_awaited(plan, std::int64_t{blockIdx.x - cluster} * kDecodeThreads + threadIdx.x, threads);  // has waited
    return;
  }
  const bool plans = plan.slots > 0 && blockIdx.x == 0 && warp_id() == 0;
  const bool clears = plan.chosen != nullptr && blockIdx.x == 0;
  if (!clears) let_later_kernels_begin();
  const RouteToken token_route(route, reinterpret_cast<float*>(memory), blockIdx.x);
  const PresentExperts present(plans ? plan : ExpertPlan());
  wait_for_earlier_kernels();
  if (clears && plans) {
    clear_chosen(plan);
    let_later_kernels_begin();
  }
  for (std::int64_t token = blockIdx.x; token < route.tokens; token += cluster) {
    token_route.run(token);
    __syncthreads();
  }
  if (!plans) return;
  __syncwarp();  // the token's experts are written
  plan_few_slots(plan, present, lane_id() < plan.slots ? token_route.expert_of(0, lane_id()) : 0);
}

unsigned shared_of(const BesideProduct& product) {
  const int kept = kept_bytes(product.operand, product.shape, product.work.weight_blocks);
  return static_cast<unsigned>(shared_bytes(product.shape.stages,
                                            decode_stage_bytes(product.kind, product.operand, kColumns, true),
                                            kept + product.shape.own_blocks * block_bytes(product.operand, kColumns)));
}

LaunchShape launch_shape(unsigned blocks, unsigned shared, const DecodeShape& shape) {
  return {.blocks = {blocks},
          .threads = kDecodeThreads,
          .shared_bytes = shared,
          .cluster = static_cast<unsigned>(shape.cluster),
          .chained = true};
}

template <OwnPacking kPacking>
auto* two_products_of(Operand operand) {
  return operand == Operand::e4m3 ? two_products<TileKind::fp8, Operand::e4m3, TileKind::f16, Operand::f16, kPacking>
                                  : two_products<TileKind::fp8, Operand::f16, TileKind::f16, Operand::f16, kPacking>;
}

}  // namespace

void launch_two_products(const BesideProduct& first, const BesideProduct& second, Stream stream) {
  auto* kernel = first.work.own.awaited.numbers != nullptr ? two_products_of<OwnPacking::awaited>(first.operand)
                                                           : two_products_of<OwnPacking::rows>(first.operand);
  launch(stream, "two_products",
         launch_shape(first.blocks() + second.blocks(), std::max(shared_of(first), shared_of(second)), second.shape),
         kernel, first.work, first.shape, second.work, second.shape);
}

void launch_product_beside_route(const BesideProduct& product, const RouteKernel& route, const ExpertPlan* plan,
                                 Stream stream) {
  const auto floats = static_cast<unsigned>(route.experts + route.chosen);
  const unsigned shared = std::max(shared_of(product), static_cast<unsigned>(floats * sizeof(float)));
  auto* kernel = product.operand == Operand::e4m3 ? product_beside_route<TileKind::fp8, Operand::e4m3>
                                                  : product_beside_route<TileKind::fp8, Operand::f16>;
  launch(stream, "product_beside_route",
         launch_shape(product.blocks() + static_cast<unsigned>(product.shape.cluster), shared, product.shape), kernel,
         product.work, product.shape, route, plan != nullptr ? *plan : ExpertPlan{});
}

}  // namespace fathom::cuda
