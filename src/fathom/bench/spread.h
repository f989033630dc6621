// What repeats of one measurement say.
#pragma once

#include <algorithm>
#include <vector>

#include "fathom/base/error.h"

namespace fathom::bench {

struct Spread {
  double median = 0.0;  // of an even number the mean of the two in the middle
  double least = 0.0;
  double most = 0.0;
};

inline Spread spread_of(std::vector<double> values) {
  check(!values.empty(), "a spread is of some values");
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2.0;
  return {.median = median, .least = values.front(), .most = values.back()};
}

}  // namespace fathom::bench
