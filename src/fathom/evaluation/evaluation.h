// A whole evaluation: every part of a suite, one after the other, to tables.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/evaluation/part.h"
#include "fathom/evaluation/suite.h"
#include "fathom/evaluation/table.h"

namespace fathom {

// In the order in which they are run.
inline constexpr std::string_view kParts[] = {"bits_per_byte", "dialogues", "recall", "fill_in_the_middle"};

struct PartFigures {
  std::string part;
  double seconds = 0.0;
  std::vector<Table> tables;
};

struct EvaluationOptions {
  std::vector<std::string> only;  // parts; empty: all that the suite has
  Amount amount;
};

struct EvaluationListener {
  std::function<void(std::string_view part, double share)> progress = [](std::string_view, double) {};
  std::function<void(const PartFigures&)> part = [](const PartFigures&) {};  // is complete
};

// The figures are a function of model, suite and options. InputError when a part is asked for that the suite lacks.
std::vector<PartFigures> evaluate(const EvaluatedModel& model, const Suite& suite, const EvaluationOptions& options,
                                  AnswerLog& log, const EvaluationListener& listener);

}  // namespace fathom
