// What random weights are drawn from, by what each tensor does: linear maps are normal with a deviation of
// gain / sqrt(in), norms are near 1 and the rest is small, so that activations keep their size through any depth.
#pragma once

#include <algorithm>

#include "fathom/checkpoint/random_values.h"
#include "fathom/spec/tensor_table.h"

namespace fathom {

struct RandomDistribution {
  float mean = 0.0F;
  float deviation = 1.0F;
  float least = -1e30F;

  float draw(RandomValues& random) const { return std::max(least, mean + deviation * random.normal()); }
};

// Of every tensor but the hash table (hash_table.h).
RandomDistribution random_distribution(const TensorSpec& spec);

}  // namespace fathom
