// Operations on one row at a time: norms, rotations, roundings, sums.
#include "fathom/backends/cpu/kernels/rows.h"

#include <cmath>

#include "fathom/backends/cpu/cpu_backend.h"

namespace fathom {

void CpuBackend::do_rms_norm(const RmsNormArgs& args) {
  const auto [rows, dim] = args.x.shape();
  const float* weight = args.weight.empty() ? nullptr : args.weight.data();
  constexpr std::int64_t kNormWork = 4;  // a value is read twice and written
  for_each(rows, dim * kNormWork, [&, columns = dim](std::int64_t row, Arena&) {
    norm_row(args.x[row].data(), weight, args.eps, columns, args.out[row].data());
  });
}

void CpuBackend::do_rotary_table(const RotaryTableArgs& args) {
  constexpr std::int64_t kWork = 64;  // a sine and a cosine of any size
  const std::int64_t pairs = args.frequencies.size();
  for_each(std::ssize(args.positions), pairs * kWork, [&](std::int64_t row, Arena&) {
    for (std::int64_t pair = 0; pair < pairs; ++pair) {
      // The release rounds the angle to float32 before it takes the cosine: at long positions that is visible.
      const float angle = static_cast<float>(args.positions[static_cast<std::size_t>(row)]) * args.frequencies[pair];
      args.cosine[row][pair] = std::cos(angle);
      args.sine[row][pair] = std::sin(angle);
    }
  });
}

void CpuBackend::do_rotate(const RotateArgs& args) {
  const auto [rows, heads, head_dim] = args.x.shape();
  const std::int64_t pairs = args.cosine.extent(1);
  for_each(rows, heads * pairs * 4, [&, heads = heads, head_dim = head_dim](std::int64_t row, Arena&) {
    for (std::int64_t head = 0; head < heads; ++head)
      rotate_row(args.x[row][head].data() + head_dim - 2 * pairs, args.cosine[row].data(), args.sine[row].data(),
                 args.inverse, pairs);
  });
}

void CpuBackend::do_hadamard(const HadamardArgs& args) {
  const auto [rows, dim] = args.x.shape();
  for_each(rows, dim * 24, [&, columns = dim](std::int64_t row, Arena&) { hadamard_row(args.x[row].data(), columns); });
}

void CpuBackend::do_round_index(const RoundIndexArgs& args) {
  const auto [rows, dim] = args.x.shape();
  for_each(rows, dim * 16,
           [&, columns = dim](std::int64_t row, Arena&) { round_e2m1_row(args.x[row].data(), columns); });
}

void CpuBackend::do_swiglu(const SwigluArgs& args) {
  constexpr std::int64_t kWork = 32;  // an exponential and a division
  const auto [rows, dim] = args.gate.shape();
  for_each(rows, dim * kWork, [&, columns = dim](std::int64_t row, Arena&) {
    swiglu_row(args.gate[row].data(), args.up[row].data(), args.limit, args.weight.empty() ? 1.0F : args.weight[row],
               columns, args.out[row].data());
  });
}

void CpuBackend::do_add(const AddArgs& args) {
  const auto [rows, columns] = args.x.shape();
  for_each(rows, columns, [&, count = columns](std::int64_t row, Arena&) {
    add_row(args.x[row].data(), count, args.out[row].data());
  });
}

}  // namespace fathom
