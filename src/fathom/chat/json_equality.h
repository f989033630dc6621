// Whether two JSON values mean the same: objects whatever the order of their members, numbers by value at any size
// (2, 2.0 and 20e-1 are one number), and nothing across kinds: true is not 1, "1" is not 1.
#pragma once

#include <string_view>

#include "fathom/chat/json_text.h"

namespace fathom {

bool same_json(const JsonValue& one, const JsonValue& other);

// The same decimal number. Both are numbers as JSON writes them, leading zeros and a plus allowed; anything else (NaN,
// Infinity, words) is no number and equals nothing.
bool same_number(std::string_view one, std::string_view other);

}  // namespace fathom
