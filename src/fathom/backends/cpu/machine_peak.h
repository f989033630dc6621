// What this machine can do at best, measured: the yardstick of the kernels.
#pragma once

namespace fathom {

// Of several goes.
struct MachineRate {
  double median = 0.0;
  double best = 0.0;
};

MachineRate read_gigabytes_per_second(int threads);  // plain loads from memory far larger than the caches
MachineRate fused_gigaflops(int threads);            // fused multiply-adds on registers
MachineRate separate_gigaflops(int threads);         // products and sums apart, as released arithmetic rounds

}  // namespace fathom
