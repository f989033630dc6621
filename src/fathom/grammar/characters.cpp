#include "fathom/grammar/characters.h"

#include <algorithm>
#include <string>

#include "fathom/chat/json_text.h"
#include "fathom/tokenizer/utf8.h"

namespace fathom::grammar {
namespace {

constexpr char32_t kMarkerBar = 0xFF5C;  // ｜

// Sequences of as many bytes at both ends, split until each byte's range is free of the others' (as in RE2).
void add_bytes(Automaton& automaton, State from, const std::string& first, const std::string& last, State to) {
  const auto byte = [](const std::string& text, std::size_t at) { return static_cast<unsigned char>(text[at]); };
  if (first.size() == 1) return automaton.edge(from, byte(first, 0), byte(last, 0), to);
  const std::string rest_first = first.substr(1), rest_last = last.substr(1);
  const std::string lowest(first.size() - 1, '\x80'), highest(first.size() - 1, '\xBF');
  const auto part = [&](int low, int high, const std::string& begin, const std::string& end) {
    const State next = automaton.add();
    automaton.edge(from, low, high, next);
    add_bytes(automaton, next, begin, end, to);
  };
  int low = byte(first, 0), high = byte(last, 0);
  if (low == high) return part(low, low, rest_first, rest_last);
  if (rest_first != lowest) part(low, low, rest_first, highest), ++low;
  const bool cut = rest_last != highest;
  if (cut) --high;
  if (low <= high) part(low, high, lowest, highest);
  if (cut) part(high + 1, high + 1, lowest, rest_last);
}

void add_plain(Automaton& automaton, State from, CharacterRange range, State to) {
  constexpr CharacterRange kLengths[] = {
      {0, 0x7F}, {0x80, 0x7FF}, {0x800, 0xD7FF}, {0xE000, 0xFFFF}, {0x10000, kLastCharacter}};
  for (const CharacterRange& length : kLengths) {
    const char32_t first = std::max(range.first, length.first), last = std::min(range.last, length.last);
    if (first <= last) add_bytes(automaton, from, utf8_encode(first), utf8_encode(last), to);
  }
}

void add_escaped(Automaton& automaton, State from, char32_t character, State to) {
  std::string escaped;
  append_json_characters(escaped, utf8_encode(character));
  const State before = automaton.literal(from, escaped.substr(0, escaped.size() - 1));
  const auto last = static_cast<unsigned char>(escaped.back());
  automaton.edge(before, last, last, to);
}

CharacterRanges without(const CharacterRanges& ranges, char32_t first, char32_t last) {
  CharacterRanges kept;
  for (const CharacterRange& range : ranges) {
    if (range.first < first) kept.push_back({range.first, std::min<char32_t>(range.last, first - 1)});
    if (range.last > last) kept.push_back({std::max<char32_t>(range.first, last + 1), range.last});
  }
  std::erase_if(kept, [](const CharacterRange& range) { return range.first > range.last; });
  return kept;
}

}  // namespace

CharacterRanges normalized(CharacterRanges ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const CharacterRange& left, const CharacterRange& right) { return left.first < right.first; });
  CharacterRanges merged;
  for (const CharacterRange& range : ranges) {
    if (!merged.empty() && range.first <= merged.back().last + 1)
      merged.back().last = std::max(merged.back().last, range.last);
    else
      merged.push_back(range);
  }
  return merged;
}

CharacterRanges complement(const CharacterRanges& ranges) {
  CharacterRanges rest;
  char32_t next = 0;
  for (const CharacterRange& range : normalized(ranges)) {
    if (range.first > next) rest.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLastCharacter) rest.push_back({next, kLastCharacter});
  return rest;
}

void add_characters(Automaton& automaton, State from, const CharacterRanges& ranges, TextForm form, State to) {
  CharacterRanges plain = without(normalized(ranges), kMarkerBar, kMarkerBar);
  if (form == TextForm::json) {
    for (const CharacterRange& range : plain)
      for (char32_t character = range.first; character <= std::min<char32_t>(range.last, '\\'); ++character)
        if (character < 0x20 || character == '"' || character == '\\') add_escaped(automaton, from, character, to);
    for (const CharacterRange& special :
         {CharacterRange{0, 0x1F}, CharacterRange{'"', '"'}, CharacterRange{'\\', '\\'}})
      plain = without(plain, special.first, special.last);
  }
  for (const CharacterRange& range : plain) add_plain(automaton, from, range, to);
}

std::string spelled(std::string_view text, TextForm form) {
  if (form == TextForm::bare) return std::string(text);
  std::string escaped;
  append_json_characters(escaped, text);
  return without_bars(escaped);
}

std::string without_bars(std::string_view json) {
  constexpr std::string_view kBar = "\xEF\xBD\x9C";
  std::string out;
  for (std::size_t at = 0; at < json.size();) {
    const std::size_t bar = std::min(json.find(kBar, at), json.size());
    out += json.substr(at, bar - at);
    if (bar < json.size()) out += "\\uff5c";
    at = bar + kBar.size();
  }
  return out;
}

}  // namespace fathom::grammar
