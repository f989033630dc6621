#include "fathom/chat/stop_strings.h"

#include <algorithm>
#include <utility>

namespace fathom {

StopStrings::StopStrings(std::vector<std::string> strings) : strings_(std::move(strings)) {
  std::erase_if(strings_, [](const std::string& text) { return text.empty(); });
}

std::string StopStrings::feed(std::string_view text) {
  if (matched()) return {};
  pending_ += text;
  std::size_t end = std::string::npos;  // of the match
  for (const std::string& stop : strings_) {
    const std::size_t place = pending_.find(stop);
    if (place == std::string::npos) continue;
    const std::size_t stop_end = place + stop.size();
    if (stop_end < end || (stop_end == end && stop.size() > match_.size())) {
      end = stop_end;
      match_ = stop;
    }
  }
  std::size_t certain = pending_.size();
  if (matched()) {
    certain = end - match_.size();
  } else {
    // Keep the longest end of the text that begins a stop string.
    for (const std::string& stop : strings_)
      for (std::size_t length = std::min(stop.size() - 1, pending_.size()); length > 0; --length)
        if (pending_.ends_with(std::string_view(stop).substr(0, length))) {
          certain = std::min(certain, pending_.size() - length);
          break;
        }
  }
  std::string result = pending_.substr(0, certain);
  pending_.erase(0, certain);
  if (matched()) pending_.clear();
  return result;
}

std::string StopStrings::finish() { return std::exchange(pending_, {}); }

}  // namespace fathom
