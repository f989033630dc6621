// Where a run stands: all of its state that is no tensor, and its way to and from a state file's text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fathom/trainer/run_log.h"

namespace fathom::train {

struct RunPlace {
  std::int64_t step = 0;         // steps done
  std::int64_t stage = 0;        // of the recipe; the number of stages when all is done
  std::int64_t stage_step = 0;   // steps done in this stage
  std::string rows;              // of the stage's RowStream; empty at its beginning
  std::int64_t targets = 0;      // tokens learned from
  double seconds = 0.0;          // of all runs together
  std::int64_t anticipated = 0;  // steps ahead whose routes the state holds
  RunLog::Lengths lengths;
  std::vector<std::string> identity;  // of the recipe
  std::string config;                 // the model's config.json
  std::int64_t threads = 0;           // sums on a CPU are cut into so many

  std::string text() const;
  // `place` names the file in errors.
  static RunPlace parse(const std::string& text, const std::string& place);
};

// InputError names the first line in which the recipe differs from the one that the state was made by.
void check_same_recipe(const RunPlace& saved, const std::vector<std::string>& identity);

}  // namespace fathom::train
