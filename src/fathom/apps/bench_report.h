// What `fathom bench` prints.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fathom/bench/measurement.h"
#include "fathom/evaluation/table.h"
#include "fathom/ops/backend.h"

namespace fathom {

// The slowest and fastest that the machine was found.
std::string machine_line(std::span<const bench::Measurement> measurements);
// One row a measurement, then a table of stages for each where they were timed.
std::vector<Table> bench_tables(std::span<const bench::Measurement> measurements);
// Of experts that a GPU reads over the bus; empty where there are none. By the backend's figures since its start.
std::string bus_line(std::span<const BackendFigure> figures);

}  // namespace fathom
