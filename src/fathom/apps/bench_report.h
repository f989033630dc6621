// What `fathom bench` prints.
#pragma once

#include <vector>

#include "fathom/bench/measurement.h"
#include "fathom/evaluation/table.h"

namespace fathom {

// "read 25.1 GB/s before and 24.9 after, ..."
std::string machine_line(const bench::Session& session);
// One row a measurement, then a table of stages for each where they were timed.
std::vector<Table> bench_tables(const bench::Session& session);

}  // namespace fathom
