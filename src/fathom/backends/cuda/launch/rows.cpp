// Operations on one row at a time, and rows on their way into the cache.
#include "fathom/backends/cuda/kernels/rows.h"

#include <cmath>

#include "fathom/backends/cuda/kernels/cache_rows.h"
#include "fathom/backends/cuda/launch/cuda_launcher.h"

namespace fathom::cuda {

void CudaLauncher::do_rms_norm(const RmsNormArgs& args) {
  launch_rms_norm({.x = args.x.data(),
                   .weight = args.weight.empty() ? nullptr : args.weight.data(),
                   .out = args.out.data(),
                   .rows = args.x.extent(0),
                   .dim = args.x.extent(1),
                   .eps = args.eps},
                  device_.stream());
  device_.check_launch("rms_norm");
}

void CudaLauncher::do_rotary_table(const RotaryTableArgs& args) {
  if (args.positions.empty()) return;
  launch_rotary_table({.positions = staged_.stage(args.positions),
                       .frequencies = args.frequencies.data(),
                       .cosine = args.cosine.data(),
                       .sine = args.sine.data(),
                       .rows = std::ssize(args.positions),
                       .pairs = args.frequencies.size()},
                      device_.stream());
  device_.check_launch("rotary_table");
}

void CudaLauncher::do_rotate(const RotateArgs& args) {
  const auto [rows, heads, head_dim] = args.x.shape();
  launch_rotate({.x = args.x.data(),
                 .cosine = args.cosine.data(),
                 .sine = args.sine.data(),
                 .rows = rows,
                 .heads = heads,
                 .head_dim = head_dim,
                 .pairs = args.cosine.extent(1),
                 .inverse = args.inverse},
                device_.stream());
  device_.check_launch("rotate");
}

void CudaLauncher::do_hadamard(const HadamardArgs& args) {
  constexpr std::int64_t kMostDim = 8192;  // a row lies in shared memory
  const auto [rows, dim] = args.x.shape();
  check(dim <= kMostDim, "[cuda] hadamard dim fits in shared memory");
  launch_hadamard({.x = args.x.data(),
                   .rows = rows,
                   .dim = dim,
                   .scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(dim)))},
                  device_.stream());
  device_.check_launch("hadamard");
}

void CudaLauncher::do_swiglu(const SwigluArgs& args) {
  launch_swiglu({.gate = args.gate.data(),
                 .up = args.up.data(),
                 .weight = args.weight.empty() ? nullptr : args.weight.data(),
                 .out = args.out.data(),
                 .rows = args.gate.extent(0),
                 .dim = args.gate.extent(1),
                 .limit = args.limit},
                device_.stream());
  device_.check_launch("swiglu");
}

void CudaLauncher::do_add(const AddArgs& args) {
  launch_add({.x = args.x.data(), .out = args.out.data(), .count = args.x.size()}, device_.stream());
  device_.check_launch("add");
}

void CudaLauncher::do_round_index(const RoundIndexArgs& args) {
  launch_round_index({.x = args.x.data(), .rows = args.x.extent(0), .index_dim = args.x.extent(1)}, device_.stream());
  device_.check_launch("round_index");
}

void CudaLauncher::do_encode_entries(const EncodeEntriesArgs& args) {
  launch_encode_entries(
      {.format = args.format, .x = args.x.data(), .rows = args.rows.data(), .count = args.x.extent(0)},
      device_.stream());
  device_.check_launch("encode_entries");
}

void CudaLauncher::do_store_entries(const StoreEntriesArgs& args) {
  if (args.x.extent(0) == 0) return;
  launch_store_entries(
      {.format = args.format,
       .x = args.x.data(),
       .ratio = args.ratio,
       .count = args.x.extent(0),
       .runs = place({.runs = args.runs, .ratio = args.ratio, .rings = {}, .rings_2 = {}, .paged = args.entries})},
      device_.stream());
  device_.check_launch("store_entries");
}

void CudaLauncher::do_store_index_keys(const StoreIndexKeysArgs& args) {
  if (args.x.extent(0) == 0) return;
  launch_store_index_keys(
      {.format = args.format,
       .x = args.x.data(),
       .ratio = args.ratio,
       .count = args.x.extent(0),
       .runs = place({.runs = args.runs, .ratio = args.ratio, .rings = {}, .rings_2 = {}, .paged = args.keys})},
      device_.stream());
  device_.check_launch("store_index_keys");
}

void CudaLauncher::do_commit_rows(const CommitRowsArgs& args) {
  launch_commit_rows({.rows = args.rows.data(),
                      .rows_2 = nullptr,
                      .tokens = args.rows.extent(0),
                      .row_bytes = args.rows.extent(1),
                      .runs = place({.runs = args.runs, .ratio = 0, .rings = args.rings, .rings_2 = {}, .paged = {}})},
                     device_.stream());
  device_.check_launch("commit_rows");
}

}  // namespace fathom::cuda
