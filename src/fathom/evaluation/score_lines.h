// Scores answers that come as text: what tests of the dialogues ask, and whoever has answers of another engine.
#pragma once

#include <string>
#include <string_view>

#include "fathom/evaluation/check.h"

namespace fathom {

// An assistant's message as the public API has it: content and tool_calls. InputError names what is not as expected.
Answer read_answer(const JsonField& message);

// {"check": {...}, "message": {...}} to {"passes": true}. InputError opens with `place`.
std::string score_line(std::string_view json, std::string_view place);

}  // namespace fathom
