#include "fathom/api/json_word.h"

#include <algorithm>
#include <string_view>

#include "fathom/api/hosted_errors.h"

namespace fathom::api {
namespace {

bool says_json(std::string_view text) {
  constexpr std::string_view kWord = "json";
  const auto same = [](char said, char wanted) {
    return (said >= 'A' && said <= 'Z' ? static_cast<char>(said - 'A' + 'a') : said) == wanted;
  };
  return std::search(text.begin(), text.end(), kWord.begin(), kWord.end(), same) != text.end();
}

}  // namespace

void check_json_word(const Call& call) {
  if (call.response_format.kind != ResponseFormat::Kind::json_object) return;
  for (const ChatMessage& message : call.messages)
    if (message.content && says_json(*message.content)) return;
  throw no_json_word();
}

}  // namespace fathom::api
