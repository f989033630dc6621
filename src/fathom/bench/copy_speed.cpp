#include "fathom/bench/copy_speed.h"

#include <chrono>

#include "fathom/bench/spread.h"

namespace fathom::bench {

double copy_bytes_per_second(Backend& backend, std::int64_t bytes) {
  constexpr int kCopies = 4;  // at a time: a wait for the device costs less than they do
  constexpr int kGoes = 8;
  const Memory from(backend.allocator(), bytes);
  const Memory to(backend.allocator(), bytes);
  std::vector<double> rates;
  for (int go = 0; go < kGoes; ++go) {
    const auto begin = std::chrono::steady_clock::now();
    for (int copy = 0; copy < kCopies; ++copy) backend.copy({from.data(), static_cast<std::size_t>(bytes)}, to.data());
    std::byte last{};
    backend.download(to.data() + bytes - 1, std::span(&last, 1));
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    rates.push_back(2.0 * kCopies * static_cast<double>(bytes) / taken.count());
  }
  return spread_of(rates).median;
}

}  // namespace fathom::bench
