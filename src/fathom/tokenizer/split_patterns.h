// The three patterns of the DeepSeek family's pre_tokenizer, as tokenizer.json spells them; splitter.h is what they
// mean.
#pragma once

#include <array>
#include <string_view>

namespace fathom {

std::array<std::string_view, 3> split_patterns();

// Whether two spellings are one pattern: \r, \n and \" may be written as escapes or as the characters themselves.
bool same_split_pattern(std::string_view left, std::string_view right);

}  // namespace fathom
