// A report as curves: speed and share of the machine's bound, over depth (decode) and prompt length (prefill).
#pragma once

#include "fathom/base/curves.h"
#include "fathom/bench/measurement.h"

namespace fathom::bench {

CurvePage plot(const Report& report);

}  // namespace fathom::bench
