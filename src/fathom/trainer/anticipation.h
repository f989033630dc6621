// Anticipatory routing (report, section 4.2.3): the experts of a step are those that the parameters of some steps
// before chose, while gates and features are today's. So the rows of a step are read that many steps ahead, routed at
// once, and wait here with their routes; no second copy of the parameters is needed.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "fathom/trainer/ranks.h"
#include "fathom/trainer/state_file.h"
#include "fathom/trainer/step_reader.h"
#include "fathom/trainer/transformer.h"

namespace fathom::train {

struct AnticipatedStep {
  StepRows rows;
  std::vector<Transformer::Routes> routes;  // of each micro-batch; empty: as the parameters choose when it is trained
};

class Anticipation {
 public:
  // `steps` ahead; 0: each step is read when it is due and never routed ahead. `left`: steps that `reader` still has.
  Anticipation(StepReader& reader, std::int64_t steps, std::int64_t left)
      : reader_(reader), steps_(steps), left_(left) {}

  // The step that is due. Before it comes, one more is read and routed by `transformer` as it is now.
  AnticipatedStep next(const Transformer& transformer, const ForwardOptions& options);

  // Steps that wait with their routes, for a state: "routes.0" [micro-batches of all ranks, scored layers, rows,
  // length, selected] int32 is of the step that is due next.
  NamedTensors state(const Ranks& ranks, std::int64_t micro_batches) const;
  // Reads the steps again that `state` holds routes of.
  void restore(const NamedTensors& state, const Ranks& ranks);
  std::int64_t waiting() const { return static_cast<std::int64_t>(waiting_.size()); }

 private:
  StepReader& reader_;
  std::int64_t steps_;
  std::int64_t left_;
  std::deque<AnticipatedStep> waiting_;
};

}  // namespace fathom::train
