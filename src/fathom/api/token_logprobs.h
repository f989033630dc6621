// Log-probabilities of tokens as JSON (api.md 4.2, 5). What no double can say, or JSON cannot, is -9999.0, as on the
// hosted API.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fathom/api/answer_writer.h"
#include "fathom/chat/utf8_stream.h"

namespace fathom::api {

double told_logprob(double logprob);

// Broken characters become U+FFFD.
std::string whole_characters(std::string_view bytes);
// A token that is no text by itself is "bytes:\xe6\xb1", so that no two are the same.
std::string token_name(std::string_view bytes);

// {"token","logprob","bytes","top_logprobs":[{"token","logprob","bytes"}]}; broken characters of "token" are U+FFFD.
std::string token_json(const TokenText& token);

// The four lists of a text completion, a part of them at a time: text_offset counts characters from the beginning of
// the choice's text. Tokens go by their names.
class CompletionLogprobs {
 public:
  // `text` stands before the first token.
  explicit CompletionLogprobs(std::string_view text = {}) { advance(text); }
  void add(const TokenText& token);
  bool empty() const { return tokens_.empty(); }
  // {"text_offset","token_logprobs","tokens","top_logprobs"} of what was added since the last time.
  std::string take();

 private:
  void advance(std::string_view bytes);

  Utf8Stream characters_;
  std::int64_t offset_ = 0;
  // Joined by commas.
  std::string offsets_;
  std::string logprobs_;
  std::string tokens_;
  std::string tops_;
};

}  // namespace fathom::api
