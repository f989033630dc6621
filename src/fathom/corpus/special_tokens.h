// The added tokens of a small vocabulary: DeepSeek-V4's own but its placeholders and its tags of images.
#pragma once

#include <vector>

#include "fathom/tokenizer/tokenizer_json.h"

namespace fathom {

// In V4's order and with V4's flags, ids from 0 on: begin, end and padding have their ids of V4.
std::vector<AddedToken> small_vocabulary_tokens();

}  // namespace fathom
