#include "fathom/chat/marker_scan.h"

namespace fathom {

MarkerMatch match_front(std::string_view text, std::string_view marker) {
  if (text.size() >= marker.size()) return text.substr(0, marker.size()) == marker ? MarkerMatch::yes : MarkerMatch::no;
  return marker.substr(0, text.size()) == text ? MarkerMatch::partial : MarkerMatch::no;
}

MarkerScan find_marker(std::string_view text, std::span<const std::string_view> markers) {
  for (std::size_t offset = text.find('<'); offset != std::string_view::npos; offset = text.find('<', offset + 1)) {
    bool partial = false;
    for (const std::string_view marker : markers) {
      const MarkerMatch match = match_front(text.substr(offset), marker);
      if (match == MarkerMatch::yes) return {MarkerMatch::yes, offset, marker};
      partial = partial || match == MarkerMatch::partial;
    }
    if (partial) return {MarkerMatch::partial, offset, {}};
  }
  return {MarkerMatch::no, text.size(), {}};
}

std::size_t skip_blanks(std::string_view text, std::size_t from) {
  const std::size_t found = text.find_first_not_of(" \t\n\r", from);
  return found == std::string_view::npos ? text.size() : found;
}

bool is_cut_tag(std::string_view beginning) {
  for (const std::string_view bar : {"<｜", "</｜"})
    if (beginning.size() > bar.size() && beginning.substr(0, bar.size()) == bar) return true;
  return false;
}

}  // namespace fathom
