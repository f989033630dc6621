// Finding markers in text that is still arriving.
#pragma once

#include <span>
#include <string_view>

namespace fathom {

enum class MarkerMatch {
  no,
  partial,  // the text ends inside what may become the marker
  yes,
};

// Does `text` begin with `marker`? Empty text is a partial match.
MarkerMatch match_front(std::string_view text, std::string_view marker);

struct MarkerScan {
  MarkerMatch match = MarkerMatch::no;
  std::size_t offset = 0;   // where the marker, or the beginning of one, stands; the text's size if there is none
  std::string_view marker;  // for MarkerMatch::yes
};

// The first marker in `text`, or else a beginning of one at its very end. Every marker begins with '<', and none is the
// beginning of another.
MarkerScan find_marker(std::string_view text, std::span<const std::string_view> markers);

// The first byte that is no blank, tab or line break, at or after `from`; the text's size if there is none.
std::size_t skip_blanks(std::string_view text, std::size_t from = 0);

// Is a beginning of a marker at the end of an answer a cut-off tag rather than text? "<" and "</th" are text, "<｜D" is
// not: no one writes that.
bool is_cut_tag(std::string_view beginning);

}  // namespace fathom
