// Fill-in-the-middle on code: the prompt is <｜fim▁begin｜>prefix<｜fim▁hole｜>suffix<｜fim▁end｜>, as trained.
#pragma once

#include <vector>

#include "fathom/evaluation/part.h"
#include "fathom/evaluation/suite.h"
#include "fathom/evaluation/table.h"

namespace fathom {

// The first line of an answer is compared, without blanks at its end; "stopped" says how
// many answers ended there. Bits per byte are those of the missing text behind the prompt.
std::vector<Table> evaluate_fill_in_the_middle(const FillInTheMiddleSuite& suite, const PartContext& context);

}  // namespace fathom
