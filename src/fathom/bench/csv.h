// A report as CSV: a line for each whole measurement ("total"), and one for each of its stages where they were timed.
#pragma once

#include <string>

#include "fathom/bench/measurement.h"

namespace fathom::bench {

std::string csv(const Report& report);

}  // namespace fathom::bench
