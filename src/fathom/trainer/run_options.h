// What one invocation of fathom-train was asked for, beside its recipe.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

#include "fathom/trainer/recipe.h"

namespace fathom::train {

struct RunOptions {
  Recipe recipe;
  std::filesystem::path out;    // the run's folder: state/, curve.csv, held_out.csv, speed.csv, curves.svg, export/
  double max_seconds = 0.0;     // of this invocation, from `begin` on; 0: no limit
  bool accept_changes = false;  // go on although the recipe is another
  bool quiet = false;
  std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
};

}  // namespace fathom::train
