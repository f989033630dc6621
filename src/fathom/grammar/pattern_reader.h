// A regular expression as a tree.
#pragma once

#include <string_view>
#include <vector>

#include "fathom/grammar/characters.h"

namespace fathom::grammar {

struct PatternNode {
  enum class Kind : std::uint8_t { characters, sequence, alternatives, repeat, begin, end };
  static constexpr int kForever = -1;

  Kind kind = Kind::sequence;
  CharacterRanges ranges = {};             // of characters
  std::vector<PatternNode> children = {};  // one for a repeat
  int least = 0;                           // of a repeat
  int most = kForever;
};

// The root is of alternatives, each a sequence. InputError: see pattern.h.
PatternNode read_pattern(std::string_view pattern, std::string_view place);

}  // namespace fathom::grammar
