// An answer as the tokens that it was, and what it may be known by when a client sends it back.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "fathom/chat/message.h"

namespace fathom::server {

// As it was sampled, without </think> and the end of sentence.
struct SampledAnswer {
  std::vector<std::int32_t> reasoning;
  std::vector<std::int32_t> said;  // content and calls

  friend bool operator==(const SampledAnswer&, const SampledAnswer&) = default;
};

// A hash: whoever finds something under it looks closer.
struct AnswerKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  friend bool operator==(const AnswerKey&, const AnswerKey&) = default;
};

// Of a message of that scope, the likeliest first: each call's id, the whole, its reasoning, what it says.
std::vector<AnswerKey> answer_keys(std::string_view scope, const ChatMessage& message);

}  // namespace fathom::server
