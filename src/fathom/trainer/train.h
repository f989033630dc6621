// The loop of a run: stages, steps, lines of the log, evaluations, states and the release at the end.
#pragma once

#include "fathom/trainer/ranks.h"
#include "fathom/trainer/run_options.h"
#include "fathom/trainer/stop_request.h"

namespace fathom::train {

enum class Outcome : std::uint8_t { finished, stopped };

// stopped: asked to, or out of time; the state is written and the same call goes on from there.
Outcome train(const RunOptions& options, const Ranks& ranks, torch::Device device, const StopRequest& stop);

}  // namespace fathom::train
