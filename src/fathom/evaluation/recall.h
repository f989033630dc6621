// Recall by distance: facts planted in long prose, asked for behind it, one question a prompt.
#pragma once

#include <vector>

#include "fathom/evaluation/part.h"
#include "fathom/evaluation/suite.h"
#include "fathom/evaluation/table.h"

namespace fathom {

// Rows: lengths of the prompt; columns: all questions, and each fifth of the text in which the fact stands. Lengths
// beyond the model's positions are left out. Where the engine keeps prefixes, a text is read once for all its
// questions.
std::vector<Table> evaluate_recall(const RecallSuite& suite, const PartContext& context);

}  // namespace fathom
