// A marker of the chat format in text that comes token by token: how much of it stands at the text's end, and which
// tokens would complete it, spelled however.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "fathom/grammar/vocabulary.h"

namespace fathom::grammar {

// Markers begin with '<' and have no other, so that bytes tell by themselves where one may begin.
class MarkerProgress {
 public:
  explicit MarkerProgress(std::string_view marker) : marker_(marker) {}

  // Whether the marker is whole with this byte; it is looked for again then.
  bool step(char byte);
  std::size_t matched() const { return matched_; }  // bytes

 private:
  std::string_view marker_;
  std::size_t matched_ = 0;
};

// Immutable. The marker must live as long as the program.
class MarkerTokens {
 public:
  struct Completion {
    std::int32_t token = 0;
    std::string_view behind;  // what the token says behind the marker
  };

  // `vocabulary` must outlive it.
  MarkerTokens(const Vocabulary& vocabulary, std::string_view marker);

  std::string_view marker() const { return marker_; }
  // Tokens that make the marker whole where `matched` of its bytes have come.
  const std::vector<Completion>& completing(std::size_t matched) const { return completing_[matched]; }

 private:
  std::string_view marker_;
  std::vector<std::vector<Completion>> completing_;  // [bytes of the marker]
};

// Those that a constraint looks for.
struct ChatMarkers {
  explicit ChatMarkers(const Vocabulary& vocabulary);

  MarkerTokens think_end;
  MarkerTokens dsml_open;
  MarkerTokens end_of_sentence;
};

}  // namespace fathom::grammar
