// The dialogues with checks, answered and scored: by family, by kind of check, by note, and what tool calls and JSON
// are worth where they were asked for.
#pragma once

#include <vector>

#include "fathom/evaluation/part.h"
#include "fathom/evaluation/suite.h"
#include "fathom/evaluation/table.h"

namespace fathom {

// InputError names the line that is no sample.
std::vector<Table> evaluate_dialogues(const DialogueSuite& suite, const PartContext& context);

}  // namespace fathom
