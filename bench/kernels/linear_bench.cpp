// Linear products of the released formats against the machine's bandwidth and peak: bytes of weights and flops per
// second, the best of several goes. Weights are taken in turn from more than the caches hold, as a model's layers are.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/backends/cpu/machine_peak.h"
#include "fathom/backends/cpu/packed_weight.h"

namespace fathom {
namespace {

constexpr std::int64_t kOut = 4096;
constexpr std::int64_t kIn = 4096;
constexpr std::int64_t kCopiesBytes = std::int64_t{256} << 20;

struct Format {
  const char* name;
  WeightFormat format;
  std::int64_t scale_rows;
  std::int64_t scale_columns;
  std::int64_t code_bits;
};

struct Stored {
  std::vector<std::byte> data;
  std::vector<std::byte> scale;
  WeightView view;
};

Stored random_weight(const Format& format, std::mt19937& engine) {
  Stored stored;
  stored.data.resize(static_cast<std::size_t>(kOut * kIn * format.code_bits / 8));
  for (std::byte& byte : stored.data) {
    byte = std::byte(static_cast<std::uint8_t>(engine()));
    if (format.code_bits != 8) continue;
    // No NaN, and no subnormals: in a real weight they are one in ten thousand, and in random bytes so many that what
    // is measured is the processor's way with them (a factor of two).
    const std::byte magnitude = byte & std::byte{0x7f};
    if (magnitude == std::byte{0x7f} || magnitude < std::byte{0x08}) byte = std::byte{0x3c};
  }
  if (format.scale_columns > 0)
    stored.scale.assign(static_cast<std::size_t>(kOut / format.scale_rows * (kIn / format.scale_columns)),
                        std::byte{115});
  stored.view = {.format = format.format, .out = kOut, .in = kIn, .data = stored.data, .scale = stored.scale};
  stored.view.scale_rows = std::max<std::int64_t>(format.scale_rows, 1);
  stored.view.scale_columns = std::max<std::int64_t>(format.scale_columns, 1);
  return stored;
}

double seconds(int threads) {
  timespec now{};
  clock_gettime(threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void measure(CpuBackend& backend, const Format& format, double peak_bytes, double peak_flops) {
  std::mt19937 engine(1);
  const Stored stored = random_weight(format, engine);
  std::vector<std::unique_ptr<PreparedWeight>> copies;
  std::int64_t bytes = 0;
  do {
    copies.push_back(backend.prepare(stored.view));
    bytes = static_cast<const PackedWeight&>(*copies.back()).bytes();
  } while (static_cast<std::int64_t>(copies.size()) * bytes < kCopiesBytes);
  for (const std::int64_t rows : {1, 2, 3, 4, 5, 8, 16, 64, 512}) {
    std::vector<float> x(static_cast<std::size_t>(rows * kIn), 0.5F);
    std::vector<float> out(static_cast<std::size_t>(rows * kOut));
    double best = 1e9;
    for (int go = 0; go < 7; ++go) {
      const std::size_t count = rows > 8 ? 2 : copies.size();
      const double start = seconds(backend.threads());
      for (std::size_t copy = 0; copy < count; ++copy)
        backend.linear({.weight = *copies[copy],
                        .x = View<const float, 2>(x.data(), {rows, kIn}),
                        .out = View<float, 2>(out.data(), {rows, kOut})});
      best = std::min(best, (seconds(backend.threads()) - start) / static_cast<double>(count));
    }
    const double rate = static_cast<double>(bytes) / best / 1e9;
    const double flops = 2.0 * static_cast<double>(rows * kOut * kIn) / best / 1e9;
    fmt::print("{} {:4} rows  {:2} threads  {:8.3f} ms  {:6.1f} GB/s ({:3.0f} %)  {:6.1f} GFLOP/s ({:3.0f} %)\n",
               format.name, rows, backend.threads(), best * 1e3, rate, 100.0 * rate / peak_bytes, flops,
               100.0 * flops / peak_flops);
  }
}

int run() {
  for (const int threads : {1, 2}) {
    const double peak_bytes = read_gigabytes_per_second(threads).best;
    const double peak_flops = separate_gigaflops(threads).best;
    fmt::print("{} threads: read {:.1f} GB/s, fused {:.1f} GFLOP/s, separate {:.1f} GFLOP/s\n", threads, peak_bytes,
               fused_gigaflops(threads).best, peak_flops);
    CpuBackend backend({.threads = threads});
    const Format formats[] = {{"fp4 ", WeightFormat::fp4_group, 1, 32, 4},
                              {"fp8 ", WeightFormat::fp8_block, 128, 128, 8},
                              {"bf16", WeightFormat::bf16, 0, 0, 16},
                              {"f32 ", WeightFormat::f32, 0, 0, 32}};
    for (const Format& format : formats) measure(backend, format, peak_bytes, peak_flops);
  }
  return 0;
}

}  // namespace
}  // namespace fathom

int main() { return fathom::run(); }
