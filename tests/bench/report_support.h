// For tests: a report of made-up figures.
#pragma once

#include "fathom/bench/measurement.h"

namespace fathom::testing {

inline bench::Report made_up_report() {
  bench::Measurement decode{.what = {.phase = bench::Phase::decode, .depth = 0, .batch = 2},
                            .threads = 2,
                            .seconds = {.median = 0.5, .least = 0.4, .most = 0.75},
                            .work = {},
                            .stages = bench::StageSeconds(),
                            .machine = {}};
  decode.work[static_cast<std::size_t>(bench::Stage::experts)] = {.bytes = 4e9, .flops = 8e9};
  decode.work[static_cast<std::size_t>(bench::Stage::head)] = {.bytes = 1e9, .flops = 2e9};
  decode.stages->stages[static_cast<std::size_t>(bench::Stage::experts)] = {.median = 0.4, .least = 0.3, .most = 0.5};
  bench::Measurement deep = decode;
  deep.what.depth = 1'048'576;
  deep.stages.reset();
  bench::Measurement prefill = deep;
  prefill.what = {.phase = bench::Phase::prefill, .tokens = 256};
  for (bench::Measurement* one : {&decode, &deep, &prefill}) one->machine = {.read_bytes = 20e9, .flops = 60e9};
  return {.subject = "a \"shape\" < & >, first 3 layers", .device = "cpu", .measurements = {decode, deep, prefill}};
}

}  // namespace fathom::testing
