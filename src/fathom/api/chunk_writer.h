// What the chat and the completions surface share on their way out: bodies and chunks with one choice, the frames of a
// stream that ends in [DONE], silence, failure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fathom/api/answer_writer.h"

namespace fathom::api {

// stop, length, tool_calls, insufficient_system_resource.
std::string_view finish_reason(EndReason reason);

class ChunkWriter {
 public:
  struct Form {
    bool stream = false;
    bool include_usage = false;  // "usage":null on all chunks but the last
    std::string_view object;     // chat.completion.chunk
  };
  ChunkWriter(const Form& form, const AnswerIdentity& identity);

  bool streams() const { return form_.stream; }

  // "data: " and a chunk around its choice. `usage` is JSON, of the last chunk alone.
  std::string chunk(std::string_view choice, std::string_view usage = {}) const;
  // The end of a stream.
  static std::string_view done() { return "data: [DONE]\n\n"; }
  // Says that we are still there: a comment in a stream, before a body an empty line.
  std::string_view keep_alive() const { return form_.stream ? ": keep-alive\n\n" : "\n"; }

 private:
  Form form_;
  std::string head_;  // of every chunk, up to its choice
};

}  // namespace fathom::api
