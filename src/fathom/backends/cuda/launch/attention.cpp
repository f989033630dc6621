#include "fathom/backends/cuda/kernels/attention_widened.h"

#include <algorithm>
#include <vector>

#include "fathom/backends/cuda/choose/attention_shape.h"
#include "fathom/backends/cuda/choose/rounded_size.h"
#include "fathom/backends/cuda/kernels/new_rows.h"
#include "fathom/backends/cuda/kernels/product_launch.h"
#include "fathom/backends/cuda/kernels/turned_products.h"
#include "fathom/backends/cuda/launch/cuda_launcher.h"

namespace fathom::cuda {
namespace {

KeyChoice choice_of(EntryChoice choice) {
  switch (choice) {
    case EntryChoice::none: return KeyChoice::window;
    case EntryChoice::all: return KeyChoice::window_and_all;
    case EntryChoice::selected: return KeyChoice::window_and_selected;
  }
  return KeyChoice::window;
}

std::int64_t most_keys(const SparseAttentionArgs& args) {
  std::int64_t most = 0;
  for (const Run& run : args.runs) {
    const std::int64_t end = run.start + run.tokens;
    const std::int64_t entries = args.choice == EntryChoice::all        ? end / args.ratio
                                 : args.choice == EntryChoice::selected ? args.selected.extent(1)
                                                                        : 0;
    most = std::max(most, std::min(args.window, end) + entries);
  }
  return rounded_size(most);
}

// Entries that the last token of any run sees.
std::int64_t most_entries(const SparseAttentionArgs& args) {
  std::int64_t most = 0;
  if (args.choice != EntryChoice::none)
    for (const Run& run : args.runs) most = std::max(most, (run.start + run.tokens) / args.ratio);
  return most;
}

bool lies_on_sixteen(const float* place) { return reinterpret_cast<std::uintptr_t>(place) % 16 == 0; }

}  // namespace

AttentionShape CudaLauncher::attention_shape_of(const SparseAttentionArgs& args) const {
  AttentionShape shape = attention_shape({.format = args.format,
                                          .rounded = rounds_attention(),
                                          .tokens = args.q.extent(0),
                                          .heads = args.q.extent(1),
                                          .most_keys = most_keys(args),
                                          .own_rows = std::ssize(args.runs) * (args.window + most_entries(args))},
                                         device_.size());
  if (!lies_on_sixteen(args.q.data()) || !lies_on_sixteen(args.out.data())) shape.widened_rows = 0;
  return shape;
}

// Of a whole step; what lies between kernels is in scratch_.
AttentionKernel CudaLauncher::attention_kernel(const SparseAttentionArgs& args, const AttentionShape& shape) {
  return {.format = args.format,
          .q = args.q.data(),
          .fresh = args.fresh.data(),
          .sink = args.sink.data(),
          .out = args.out.data(),
          .heads = args.q.extent(1),
          .window = args.window,
          .choice = choice_of(args.choice),
          .ratio = args.ratio,
          .selected = args.selected.data(),
          .top_k = args.choice == EntryChoice::selected ? args.selected.extent(1) : 0,
          .scale = args.scale,
          .runs = place({.runs = args.runs,
                         .ratio = args.choice == EntryChoice::none ? 0 : args.ratio,
                         .rings = args.windows,
                         .rings_2 = {},
                         .paged = args.choice == EntryChoice::none ? std::span<const PagedRows>() : args.entries}),
          .first = 0,
          .count = 0,
          .scores = scratch_.take<float, 1>({shape.floats}).data(),
          .score_step = most_keys(args),
          .shape = shape,
          .fault = fault()};
}

void CudaLauncher::do_sparse_attention(const SparseAttentionArgs& args) {
  const std::int64_t tokens = args.q.extent(0);
  if (args.q.empty()) return;
  const AttentionShape shape = attention_shape_of(args);
  const Arena::Scope scope(scratch_);
  AttentionKernel kernel = attention_kernel(args, shape);
  if (shape.widened_rows > 0) {
    attend_widened(widened_attention(kernel, tokens, most_entries(args)));
    return;
  }
  for (; kernel.first < tokens; kernel.first += shape.tokens) {
    kernel.count = std::min(shape.tokens, tokens - kernel.first);
    launch_attention(kernel);
  }
}

void CudaLauncher::launch_attention(const AttentionKernel& kernel) {
  switch (kernel.shape.method) {
    case AttentionMethod::chains: launch_attention_chains(kernel, device_.stream()); break;
    case AttentionMethod::tiles: launch_attention_tiles(kernel, device_.stream()); break;
    case AttentionMethod::warpgroups: launch_attention_warpgroups(kernel, device_.stream()); break;
  }
  device_.check_launch("sparse_attention");
}

WidenedAttention CudaLauncher::widened_attention(const AttentionKernel& attention, std::int64_t tokens,
                                                 std::int64_t entries) {
  constexpr auto kKeysBytes = static_cast<std::int64_t>(sizeof(TokenKeys));
  const auto rows = scratch_.take<std::byte, 1>({attention.shape.widened_rows * attention.format.head_dim * 2});
  const auto keys = scratch_.take<std::byte, 1>({tokens * kKeysBytes});
  return {.attention = attention,
          .tokens = tokens,
          .entries = entries,
          .rows = reinterpret_cast<std::uint16_t*>(rows.data()),
          .keys = reinterpret_cast<TokenKeys*>(keys.data()),
          .blocks = device_.size().multiprocessors,
          .queries = nullptr,
          .packed = {}};
}

void CudaLauncher::attend_widened(const WidenedAttention& kernel) {
  launch_widen_keys(kernel, device_.stream());
  launch_attention_widened(kernel, device_.stream());
  device_.check_launch("sparse_attention");
}

// Where keys are widened for all queries, these are rounded by the kernel that norms and turns them, and values leave
// attention as wo_a reads its rows. The shape says so at the beginning and at the end alike.
bool CudaLauncher::attends_packed(const AttendArgs& args, const AttentionShape& shape) const {
  const TiledWeight* wo_a = tiled(args.wo_a);
  return shape.widened_rows > 0 && wo_a != nullptr &&
         block_columns(args.attention.q.extent(0), Operand::e4m3) == kPrefillColumns &&
         operand_of(wo_a->weight().kind) == Operand::e4m3 &&
         fits_rounded_queries(norm_rotate_kernel(args.rows.queries));
}

// Where one launch joins all tiles, what follows is in it.
bool CudaLauncher::joins_to_the_end(const AttendArgs& args, const AttentionShape& shape) const {
  return shape.method != AttentionMethod::chains && shape.split && shape.widened_rows == 0 &&
         shape.tokens >= args.attention.q.extent(0) && 2 * args.rows.queries.cosine.extent(1) == kTiledRopeDim;
}

void CudaLauncher::attend_few(const AttendArgs& args, const AttentionShape& shape) {
  const SparseAttentionArgs& attention = args.attention;
  const auto [tokens, heads, head_dim] = attention.out.shape();
  const std::int64_t groups = args.latent.extent(1);
  {
    const Arena::Scope scope(scratch_);
    AttentionKernel kernel = attention_kernel(attention, shape);
    kernel.count = tokens;
    // Rows go to the windows while others are read: of one run two may share a place.
    for (const Run& run : attention.runs)
      if (run.tokens > 1) kernel.shape.cluster = 0;
    kernel.end = {.cosine = args.rows.queries.cosine.data(), .sine = args.rows.queries.sine.data()};
    launch_attention(kernel);
  }
  if (multiply_packed(args)) return;
  grouped_linear({.weight = args.wo_a,
                  .x = attention.out.reshape<3>({tokens, groups, heads / groups * head_dim}),
                  .out = args.latent,
                  .next = &args.wo_b});
  linear({.weight = args.wo_b, .x = args.latent.reshape<2>({tokens, args.wo_a.out}), .out = args.out});
}

// wo_a's results leave it as wo_b reads its rows.
bool CudaLauncher::multiply_packed(const AttendArgs& args) {
  const TiledWeight* wo_a = tiled(args.wo_a);
  const TiledWeight* wo_b = tiled(args.wo_b);
  if (wo_a == nullptr || wo_b == nullptr) return false;
  const auto [tokens, heads, head_dim] = args.attention.out.shape();
  const std::int64_t groups = args.latent.extent(1);
  const std::int64_t in = heads / groups * head_dim;
  const Operand operand = operand_of(wo_a->weight().kind);
  if (tokens == 0 || operand_of(wo_b->weight().kind) != operand || !products_pack(product_device_, tokens, in))
    return false;
  const Arena::Scope scope(scratch_);
  const PackedRows x = packed({.x = args.attention.out.data(),
                               .rows = tokens,
                               .in = in,
                               .row_stride = groups * in,
                               .groups = groups,
                               .group_stride = in},
                              PackedBy::products, wo_a->weight().kind);
  std::uint8_t* memory = workspace(packed_rows_bytes(tokens, wo_a->out, 1, operand));
  const auto latent =
      multiply_few_groups_packed(product_device_, wo_a->weight(), x, memory, device_.stream(), &wo_b->weight());
  if (!latent) return false;
  const ProductOutput output = product_output(*wo_b, args.out);
  multiply(product_device_, {&output, 1}, *latent, device_.stream());
  return true;
}

void CudaLauncher::do_begin_attend(const AttendArgs& args) {
  if (!attends_packed(args, attention_shape_of(args.attention))) return begin_attend_few(args);
  if (args.norm.has_value()) rms_norm(*args.norm);
  auto* rounded = reinterpret_cast<std::uint32_t*>(args.attention.out.data());  // where no values go
  const RoundedQueriesKernel queries = {.queries = norm_rotate_kernel(args.rows.queries), .out = rounded};
  if (!multiply_rounded_queries(args.products, queries)) {
    linears(args.products);
    launch_rounded_queries(queries, device_.stream());
  }
  new_keys(args.rows.keys);
  for (const CompleteEntriesArgs& completed : args.completed) complete_entries(completed);
}

// Entries that lone tokens complete from few rows stand beside the queries and keys.
void CudaLauncher::begin_attend_few(const AttendArgs& args) {
  const NormRotateKernel queries = norm_rotate_kernel(args.rows.queries);
  const NormRotateKernel keys = norm_rotate_kernel(args.rows.keys);
  if (!norm_rotate_takes_both(queries, keys)) return Backend::do_begin_attend(args);
  if (!multiply_normed(args)) {
    if (args.norm.has_value()) rms_norm(*args.norm);
    linears(args.products);
  }
  EntryCompletions beside;
  std::vector<const CompleteEntriesArgs*> behind;
  for (const CompleteEntriesArgs& completed : args.completed) {
    if (beside.count < kMostCompletions && completes_beside(completed)) {
      beside.of[beside.count++] = completion_kernel(completed);
    } else {
      behind.push_back(&completed);
    }
  }
  launch_norm_rotate_both(queries, keys, beside, device_.stream());
  device_.check_launch("begin_attend");
  for (const CompleteEntriesArgs* completed : behind) complete_entries(*completed);
}

// Few latents are normed by the products of them.
bool CudaLauncher::multiply_normed(const AttendArgs& args) {
  if (!args.norm.has_value() || args.norm->weight.empty() || args.products.outputs.empty()) return false;
  const auto [rows, in] = args.products.x.shape();
  if (!products_pack(product_device_, rows, in) || !products_norm(in)) return false;
  std::vector<ProductOutput> outputs;
  for (const LinearOutput& output : args.products.outputs) {
    const TiledWeight* weight = tiled(output.weight);
    if (weight == nullptr || weight->weight().kind != TileKind::fp8) return false;
    outputs.push_back(product_output(*weight, output.out));
    if (outputs.front().weight->parts != weight->weight().parts) return false;
  }
  if (outputs.size() > kMostProductOutputs || rows * columns_of_row(operand_of(TileKind::fp8)) > kOwnColumns)
    return false;
  const Arena::Scope scope(scratch_);
  const PackedRows x = packed({.x = args.products.x.data(),
                               .rows = rows,
                               .in = in,
                               .row_stride = in,
                               .norm = args.norm->weight.data(),
                               .eps = args.norm->eps},
                              PackedBy::products, TileKind::fp8);
  multiply(product_device_, outputs, x, device_.stream());
  return true;
}

bool CudaLauncher::multiply_rounded_queries(const LinearsArgs& args, const RoundedQueriesKernel& queries) {
  const auto is_queries = [&](const LinearOutput& output) { return output.out.data() == queries.queries.x; };
  const auto of_queries = std::find_if(args.outputs.begin(), args.outputs.end(), is_queries);
  const TiledWeight* weight = of_queries != args.outputs.end() ? tiled(of_queries->weight) : nullptr;
  if (weight == nullptr) return false;
  const TileKind kind = weight->weight().kind;
  const Arena::Scope scope(scratch_);
  const auto [rows, in] = args.x.shape();
  const PackedRows x = packed({.x = args.x.data(), .rows = rows, .in = in, .row_stride = in}, PackedBy::launch, kind);
  std::uint8_t* kept = workspace(queries_workspace_bytes(product_device_));
  if (!multiply_queries(product_device_, weight->weight(), x, queries, kept, device_.stream())) return false;
  std::vector<ProductOutput> others;
  for (const LinearOutput& output : args.outputs) {
    if (is_queries(output)) continue;
    const TiledWeight* other = tiled(output.weight);
    if (other != nullptr && other->weight().kind == kind && other->weight().parts == weight->weight().parts)
      others.push_back(product_output(*other, output.out));
    else
      linear({.weight = output.weight, .x = args.x, .out = output.out});
  }
  if (!others.empty()) multiply(product_device_, others, x, device_.stream());
  device_.check_launch("queries");
  return true;
}

void CudaLauncher::do_attend(const AttendArgs& args) {
  const SparseAttentionArgs& attention = args.attention;
  const AttentionShape shape = attention_shape_of(attention);
  if (joins_to_the_end(args, shape)) return attend_few(args, shape);
  if (!attends_packed(args, shape)) return Backend::do_attend(args);

  const auto [tokens, heads, head_dim] = attention.q.shape();
  const std::int64_t groups = args.latent.extent(1);
  const Arena::Scope scope(scratch_);
  WidenedAttention kernel = widened_attention(attention_kernel(attention, shape), tokens, most_entries(attention));
  const RowsOfX values = {.rows = tokens, .in = heads / groups * head_dim, .groups = groups};
  std::uint8_t* blocks = workspace(packed_rows_bytes(tokens, values.in, groups, Operand::e4m3));
  const PackedRows rows = rows_packed_elsewhere(values, Operand::e4m3, blocks);
  kernel.queries = reinterpret_cast<const std::uint16_t*>(attention.out.data());
  kernel.packed = {.blocks = blocks,
                   .chunks = rows.chunks(),
                   .cosine = args.rows.queries.cosine.data(),
                   .sine = args.rows.queries.sine.data()};
  attend_widened(kernel);
  commit_rows({.rows = attention.fresh, .runs = attention.runs, .rings = attention.windows});
  const ProductWeight& wo_a = tiled(args.wo_a)->weight();
  if (const TiledWeight* wo_b = tiled(args.wo_b); wo_b != nullptr && operand_of(wo_b->weight().kind) == rows.operand) {
    std::uint8_t* memory = workspace(packed_rows_bytes(tokens, wo_a.out, 1, rows.operand));
    if (const auto latent = multiply_groups_packed(product_device_, wo_a, rows, memory, device_.stream())) {
      const ProductOutput output = product_output(*wo_b, args.out);
      return multiply(product_device_, {&output, 1}, *latent, device_.stream());
    }
  }
  multiply_groups(product_device_, wo_a, rows, args.latent.data(), device_.stream());
  linear({.weight = args.wo_b, .x = args.latent.reshape<2>({tokens, wo_a.out}), .out = args.out});
}

}  // namespace fathom::cuda
