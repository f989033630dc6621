#include "fathom/backends/cuda/kernels/attention_widened.h"

#include <algorithm>

#include "fathom/backends/cuda/choose/attention_shape.h"
#include "fathom/backends/cuda/choose/rounded_size.h"
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

void CudaLauncher::do_sparse_attention(const SparseAttentionArgs& args) {
  const auto [tokens, heads, head_dim] = args.q.shape();
  if (tokens == 0 || heads == 0 || head_dim == 0) return;
  const std::int64_t score_step = most_keys(args);
  AttentionShape shape = attention_shape({.format = args.format,
                                          .rounded = rounds_attention(),
                                          .tokens = tokens,
                                          .heads = heads,
                                          .most_keys = score_step,
                                          .own_rows = std::ssize(args.runs) * (args.window + most_entries(args))},
                                         device_.size());
  if (!lies_on_sixteen(args.q.data()) || !lies_on_sixteen(args.out.data())) shape.widened_rows = 0;
  const Arena::Scope scope(scratch_);
  AttentionKernel kernel = {
      .format = args.format,
      .q = args.q.data(),
      .fresh = args.fresh.data(),
      .sink = args.sink.data(),
      .out = args.out.data(),
      .heads = heads,
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
      .score_step = score_step,
      .shape = shape,
      .fault = fault()};
  if (shape.widened_rows > 0) {
    attend_widened(kernel, tokens, most_entries(args));
    return;
  }
  for (; kernel.first < tokens; kernel.first += shape.tokens) {
    kernel.count = std::min(shape.tokens, tokens - kernel.first);
    switch (shape.method) {
      case AttentionMethod::chains: launch_attention_chains(kernel, device_.stream()); break;
      case AttentionMethod::tiles: launch_attention_tiles(kernel, device_.stream()); break;
      case AttentionMethod::warpgroups: launch_attention_warpgroups(kernel, device_.stream()); break;
    }
    device_.check_launch("sparse_attention");
  }
}

void CudaLauncher::attend_widened(const AttentionKernel& attention, std::int64_t tokens, std::int64_t entries) {
  constexpr auto kKeysBytes = static_cast<std::int64_t>(sizeof(TokenKeys));
  const auto rows = scratch_.take<std::byte, 1>({attention.shape.widened_rows * attention.format.head_dim * 2});
  const auto keys = scratch_.take<std::byte, 1>({tokens * kKeysBytes});
  const WidenedAttention kernel = {.attention = attention,
                                   .tokens = tokens,
                                   .entries = entries,
                                   .rows = reinterpret_cast<std::uint16_t*>(rows.data()),
                                   .keys = reinterpret_cast<TokenKeys*>(keys.data()),
                                   .blocks = device_.size().multiprocessors};
  launch_widen_keys(kernel, device_.stream());
  launch_attention_widened(kernel, device_.stream());
  device_.check_launch("sparse_attention");
}

}  // namespace fathom::cuda
