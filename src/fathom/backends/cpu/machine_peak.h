// What this machine can do at best, measured: the yardstick of the kernels.
#pragma once

namespace fathom {

double read_gigabytes_per_second(int threads);  // plain loads from memory far larger than the caches
double fused_gigaflops(int threads);            // fused multiply-adds on registers
double separate_gigaflops(int threads);         // products and sums apart, as released arithmetic rounds

}  // namespace fathom
