// Characters as bytes on edges: UTF-8, and in a JSON string the escapes that some of them need.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fathom/grammar/automaton.h"

namespace fathom::grammar {

// How a string stands in the answer: between quotes with escapes, or bare, as DSML has it.
enum class TextForm : std::uint8_t { json, bare };

struct CharacterRange {
  char32_t first = 0;
  char32_t last = 0;
};
using CharacterRanges = std::vector<CharacterRange>;

inline constexpr char32_t kLastCharacter = 0x10FFFF;

// Sorted, without overlap; the second: all other characters.
CharacterRanges normalized(CharacterRanges ranges);
CharacterRanges complement(const CharacterRanges& ranges);

// From one state to the other by any character of the ranges, in its shortest spelling: as itself, or in a JSON string
// as \" \\ \n ... or \u001f where it must be escaped. Surrogates are left out, and U+FF5C, so that no marker of the
// chat format can be spelled.
void add_characters(Automaton& automaton, State from, const CharacterRanges& ranges, TextForm form, State to);

// The text itself in that form, without quotes.
std::string spelled(std::string_view text, TextForm form);
// JSON in which ｜ is \uff5c, so that its strings spell no marker.
std::string without_bars(std::string_view json);

}  // namespace fathom::grammar
