// Questions on one long text: what their prompts begin with is read once, and every answer goes on from a copy of that
// cache. The answers are those that ask() gives.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "fathom/evaluation/asking.h"

namespace fathom {

// Answers in the order of the questions; `progress` hears of the tokens read of what the prompts have in common.
std::vector<Reply> ask_on_one_text(const EvaluatedModel& model, const std::vector<Question>& questions,
                                   const std::function<void(std::int64_t)>& progress);

}  // namespace fathom
