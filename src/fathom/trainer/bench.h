// How fast each stage of a recipe trains on this device, and what share of its multiply-add peak that is.
#pragma once

#include <torch/types.h>

#include "fathom/trainer/recipe.h"

namespace fathom::train {

struct StageSpeed {
  double seconds = 0.0;     // of one step
  std::int64_t tokens = 0;  // of a step
  double flops = 0.0;       // of a step, by formula
};

// Floating-point operations per second of a square product, the best of several sizes.
double multiply_add_peak(torch::Device device, torch::ScalarType type);

// Best of `rounds` steps after some that warm up, on rows of random ids: each a single document.
StageSpeed measure_stage(const Recipe& recipe, const Stage& stage, torch::Device device, int rounds);

// Measures all and prints a table; `kernels`: for each stage also the kernels that a step's time goes to.
void bench(const Recipe& recipe, torch::Device device, bool kernels);

}  // namespace fathom::train
