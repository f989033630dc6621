#include "fathom/grammar/marker_tokens.h"

#include "fathom/chat/markers.h"

namespace fathom::grammar {

bool MarkerProgress::step(char byte) {
  matched_ = byte == marker_[matched_] ? matched_ + 1 : byte == marker_[0] ? 1 : 0;
  if (matched_ < marker_.size()) return false;
  matched_ = 0;
  return true;
}

MarkerTokens::MarkerTokens(const Vocabulary& vocabulary, std::string_view marker)
    : marker_(marker), completing_(marker.size()) {
  for (std::int32_t token = 0; token < vocabulary.size(); ++token) {
    const std::string_view text = vocabulary.text(token);
    const std::size_t whole = text.find(marker);
    if (whole != std::string_view::npos)
      for (auto& tokens : completing_) tokens.push_back({token, text.substr(whole + marker.size())});
    for (std::size_t matched = 1; matched < marker.size(); ++matched) {
      const std::string_view rest = marker.substr(matched);
      if (!text.starts_with(rest)) continue;
      if (whole != std::string_view::npos) completing_[matched].pop_back();  // the first one counts
      completing_[matched].push_back({token, text.substr(rest.size())});
    }
  }
}

ChatMarkers::ChatMarkers(const Vocabulary& vocabulary)
    : think_end(vocabulary, marker::think_end),
      dsml_open(vocabulary, marker::dsml_open),
      end_of_sentence(vocabulary, marker::end_of_sentence) {}

}  // namespace fathom::grammar
