// Fill-in-the-middle on code: the prompt is <｜fim▁begin｜>prefix<｜fim▁hole｜>suffix<｜fim▁end｜>, as trained.
#pragma once

#include <vector>

#include "fathom/evaluation/part.h"
#include "fathom/evaluation/suite.h"
#include "fathom/evaluation/table.h"

namespace fathom {

// Blanks and line breaks at the end of answer and middle do not count.
std::vector<Table> evaluate_fill_in_the_middle(const FillInTheMiddleSuite& suite, const PartContext& context);

}  // namespace fathom
