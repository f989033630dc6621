// Operations that are several kernels by their definition (ops/fused_definitions.cpp) and fewer here.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "fathom/backends/cuda/kernels/cache_rows.h"
#include "fathom/backends/cuda/kernels/hyper_connection.h"
#include "fathom/backends/cuda/kernels/new_rows.h"
#include "fathom/backends/cuda/kernels/products_beside.h"
#include "fathom/backends/cuda/kernels/turned_products.h"
#include "fathom/backends/cuda/launch/cuda_launcher.h"

namespace fathom::cuda {
namespace {

// Weights that one launch can multiply.
struct LikeProducts {
  TileKind kind;
  int parts;
  std::vector<ProductOutput> outputs;
};

}  // namespace

NormRotateKernel norm_rotate_kernel(const NewKeysArgs& args) {
  const auto [tokens, head_dim] = args.x.shape();
  return {.x = args.x.data(),
          .weight = args.weight.data(),
          .cosine = args.cosine.data(),
          .sine = args.sine.data(),
          .encoded = args.rows.data(),
          .format = args.format,
          .rows = tokens,
          .heads = 1,
          .head_dim = head_dim,
          .pairs = args.cosine.extent(1),
          .eps = args.eps};
}

NormRotateKernel norm_rotate_kernel(const NormRotateArgs& args) {
  const auto [rows, heads, head_dim] = args.x.shape();
  return {.x = args.x.data(),
          .weight = args.weight.empty() ? nullptr : args.weight.data(),
          .cosine = args.cosine.data(),
          .sine = args.sine.data(),
          .encoded = nullptr,
          .format = {},
          .rows = rows,
          .heads = heads,
          .head_dim = head_dim,
          .pairs = args.cosine.extent(1),
          .eps = args.eps};
}

// Rows are packed once for each operand, and weights of one kind are one launch.
void CudaLauncher::do_linears(const LinearsArgs& args) {
  std::vector<LikeProducts> products;
  for (const LinearOutput& output : args.outputs) {
    const TiledWeight* weight = tiled(output.weight);
    if (weight == nullptr) {
      linear({.weight = output.weight, .x = args.x, .out = output.out});
      continue;
    }
    const ProductWeight& like = weight->weight();
    auto place = products.begin();
    while (place != products.end() &&
           (place->kind != like.kind || place->parts != like.parts || place->outputs.size() == kMostProductOutputs))
      ++place;
    if (place == products.end())
      place = products.insert(place, {.kind = like.kind, .parts = like.parts, .outputs = {}});
    place->outputs.push_back(product_output(*weight, output.out));
  }
  const Arena::Scope scope(scratch_);
  std::map<Operand, PackedRows> rows;
  const auto [count, in] = args.x.shape();
  const RowsOfX x = {.x = args.x.data(), .rows = count, .in = in, .row_stride = in, .awaited = awaited_.of(args.x)};
  std::sort(products.begin(), products.end(),
            [](const LikeProducts& left, const LikeProducts& right) { return left.kind < right.kind; });
  if (products.size() == 2 && multiply_two_kinds(product_device_, products[0].outputs, products[1].outputs,
                                                 operand_of(products[0].kind), x, device_.stream()))
    return device_.check_launch("linears");
  const auto wants = [&](Operand operand) {
    return std::any_of(products.begin(), products.end(),
                       [&](const LikeProducts& like) { return operand_of(like.kind) == operand; });
  };
  if (is_packed_wide(count) && wants(Operand::e4m3) && wants(Operand::f16)) {
    const PackedTwice twice = packed_twice(x);
    rows = {{Operand::e4m3, twice.e4m3}, {Operand::f16, twice.halves}};
  }
  for (const LikeProducts& like : products) {
    const Operand operand = operand_of(like.kind);
    if (!rows.contains(operand)) rows[operand] = packed(x, PackedBy::products, like.kind);
    multiply(product_device_, like.outputs, rows[operand], device_.stream());
  }
}

HyperConnectionKernel hyper_connection_kernel(const HyperConnectionArgs& args, std::int64_t first, std::int64_t count) {
  const std::int64_t streams = args.streams.extent(1);
  const std::int64_t channels = args.streams.extent(2);
  return {.x = args.streams.data() + first * streams * channels,
          .parts = nullptr,
          .scale = args.scale.data(),
          .base = args.base.data(),
          .norm = args.norm.data(),
          .pre = args.pre.data() + first * streams,
          .post = args.post.data() + first * streams,
          .comb = args.comb.data() + first * streams * streams,
          .out = args.out.data() + first * channels,
          .inverse_rms = nullptr,
          .squares = nullptr,
          .lanes = nullptr,
          .tokens = count,
          .streams = streams,
          .channels = channels,
          .pieces = 0,
          .iterations = args.iterations,
          .eps = args.eps,
          .norm_eps = args.norm_eps,
          .awaited = {}};
}

void CudaLauncher::do_hyper_connection(const HyperConnectionArgs& args) { begin_sublayer(args, nullptr); }

void CudaLauncher::begin_sublayer(const HyperConnectionArgs& args, const ExpandKernel* expand) {
  const auto [tokens, streams, channels] = args.streams.shape();
  const bool deep = tiled(args.fn) == nullptr && plain(args.fn).method() == ProductMethod::deep;
  if (!deep || !hyper_connection_fits(streams, channels)) {
    if (expand != nullptr) launch_expand(*expand, device_.stream());
    return Backend::do_hyper_connection(args);
  }
  const Arena::Scope scope(scratch_);
  DeepProductKernel product = deep_product(args.fn, args.streams.data(), tokens);
  const bool expands = expand != nullptr && hyper_connection_expands(*expand, product, device_.stream());
  if (expand != nullptr && !expands) launch_expand(*expand, device_.stream());
  float* inverse_rms = scratch_.take<float, 1>({product.rows}).data();
  for (std::int64_t token = 0; token < tokens; token += kDeepRows) {
    product.rows = std::min(kDeepRows, tokens - token);
    product.x = args.streams.data() + token * product.in;
    const Arena::Scope squares_scope(scratch_);
    const std::int64_t floats = hyper_connection_squares(product, streams, device_.stream());
    float* squares = floats > 0 ? scratch_.take<float, 1>({floats}).data() : nullptr;
    if (expands) {
      launch_expand_and_sums(*expand, product, squares, device_.stream());
    } else {
      launch_hyper_connection_sums(product, squares, device_.stream());
    }
    HyperConnectionKernel kernel = hyper_connection_kernel(args, token, product.rows);
    kernel.parts = product.parts;
    kernel.pieces = product.sums();
    kernel.inverse_rms = inverse_rms;
    kernel.squares = squares;
    if (squares != nullptr && tokens == 1 && channels <= kMostAwaitedChannels) kernel.awaited = awaited_.next();
    launch_hyper_connection(kernel, device_.stream());
    if (kernel.awaited.numbers != nullptr) awaited_.wrote(kernel.out, channels, kernel.awaited);
  }
  device_.check_launch("hyper_connection");
}

void CudaLauncher::do_norm_rotate(const NormRotateArgs& args) {
  if (args.x.extent(2) > kMostNewRowDim) return Backend::do_norm_rotate(args);
  launch_norm_rotate(norm_rotate_kernel(args), device_.stream());
  device_.check_launch("norm_rotate");
}

void CudaLauncher::do_new_keys(const NewKeysArgs& args) {
  if (args.x.extent(1) > kMostNewRowDim) return Backend::do_new_keys(args);
  launch_norm_rotate(norm_rotate_kernel(args), device_.stream());
  device_.check_launch("new_keys");
}

// Few rows of both: one launch.
void CudaLauncher::do_queries_and_keys(const QueriesAndKeysArgs& args) {
  const NormRotateKernel queries = norm_rotate_kernel(args.queries);
  const NormRotateKernel keys = norm_rotate_kernel(args.keys);
  if (!norm_rotate_takes_both(queries, keys)) return Backend::do_queries_and_keys(args);
  launch_norm_rotate_both(queries, keys, {}, device_.stream());
  device_.check_launch("queries_and_keys");
}

void CudaLauncher::do_index_queries(const IndexQueriesArgs& args) { make_index_queries(args, {}); }

void CudaLauncher::make_index_queries(const IndexQueriesArgs& args, const IndexQueryCodes& codes) {
  const auto [tokens, heads, index_dim] = args.x.shape();
  const bool power_of_two = index_dim > 0 && (index_dim & (index_dim - 1)) == 0;
  if (index_dim > kMostNewRowDim || !power_of_two) return Backend::do_index_queries(args);
  launch_index_queries({.x = args.x.data(),
                        .cosine = args.cosine.data(),
                        .sine = args.sine.data(),
                        .rounded = args.format.storage == CacheStorage::released,
                        .rows = tokens,
                        .heads = heads,
                        .index_dim = index_dim,
                        .pairs = args.cosine.extent(1),
                        .scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(index_dim))),
                        .encoded = codes},
                       device_.stream());
  device_.check_launch("index_queries");
}

void CudaLauncher::do_commit_tails(const CommitTailsArgs& args) {
  if (args.kv.empty()) return;
  launch_commit_rows(
      {.rows = reinterpret_cast<const std::byte*>(args.kv.data()),
       .rows_2 = reinterpret_cast<const std::byte*>(args.gate.data()),
       .tokens = args.kv.extent(0),
       .row_bytes = args.kv.extent(1) * static_cast<std::int64_t>(sizeof(float)),
       .runs = place({.runs = args.runs, .ratio = 0, .rings = args.kv_rings, .rings_2 = args.gate_rings, .paged = {}})},
      device_.stream());
  device_.check_launch("commit_tails");
}

bool CudaLauncher::is_shared_expert_tiled(const ExpertWeights& weights) const {
  const TiledWeight* w1 = tiled(*weights.w1);
  const TiledWeight* w2 = tiled(*weights.w2);
  const TiledWeight* w3 = tiled(*weights.w3);
  return w1 != nullptr && w2 != nullptr && w3 != nullptr && w1->weight().kind == w3->weight().kind &&
         w1->weight().parts == w3->weight().parts;
}

// SwiGLU's rows are packed as they come, and w2 adds to what the routed experts left.
void CudaLauncher::do_shared_expert(const SharedExpertArgs& args) {
  if (!is_shared_expert_tiled(args.weights)) return Backend::do_shared_expert(args);
  const Arena::Scope scope(scratch_);
  shared_expert_on_tensor_cores(args, packed_for_shared_expert(args), true);
}

PackedRows CudaLauncher::packed_for_shared_expert(const SharedExpertArgs& args) {
  const auto [tokens, channels] = args.x.shape();
  return packed({.x = args.x.data(), .rows = tokens, .in = channels, .row_stride = channels}, PackedBy::launch,
                tiled(*args.weights.w1)->weight().kind);
}

void CudaLauncher::shared_expert_on_tensor_cores(const SharedExpertArgs& args, const PackedRows& x, bool adds) {
  const TiledWeight& w1 = *tiled(*args.weights.w1);
  const TiledWeight& w2 = *tiled(*args.weights.w2);
  const TiledWeight& w3 = *tiled(*args.weights.w3);
  const std::int64_t tokens = args.x.extent(0);
  const ProductOutput down = product_output(w2, args.out);
  const Operand operand = operand_of(w2.weight().kind);
  const Arena::Scope scope(scratch_);
  std::uint8_t* memory = workspace(packed_rows_bytes(tokens, w1.out, 1, operand));
  if (operand == x.operand)
    if (const auto activated =
            multiply_swiglu(product_device_, w1.weight(), w3.weight(), x, args.limit, memory, device_.stream()))
      return multiply(product_device_, {&down, 1}, *activated, device_.stream(), adds);
  const auto gate = scratch_.take<float, 2>({tokens, w1.out});
  const auto up = scratch_.take<float, 2>({tokens, w1.out});
  const std::array<ProductOutput, 2> gate_and_up = {product_output(w1, gate), product_output(w3, up)};
  multiply(product_device_, gate_and_up, x, device_.stream());
  const PackedRows activated = pack_swiglu(
      product_device_,
      {.gate = gate.data(), .up = up.data(), .weights = nullptr, .rows = tokens, .in = w1.out, .limit = args.limit},
      operand, memory, device_.stream());
  multiply(product_device_, {&down, 1}, activated, device_.stream(), adds);
}

}  // namespace fathom::cuda
