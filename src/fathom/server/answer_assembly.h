// One answer on its way out: tokens become characters, reasoning and content and calls, and at last the surface's
// bytes. Pure but for what it has seen so far; a few microseconds a token.
//
// Stop strings are looked for in the content alone: one that matched in the reasoning or in a tool call's markup would
// leave the client without an answer. Reasoning tokens are those up to </think>, itself included. Log-probabilities
// are told of tokens that are text: not of </think> and the end of sentence.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fathom/api/answer_writer.h"
#include "fathom/api/call.h"
#include "fathom/chat/answer_parser.h"
#include "fathom/chat/stop_strings.h"
#include "fathom/engine/engine.h"
#include "fathom/server/exact_replay.h"
#include "fathom/server/hosted_model.h"

namespace fathom::server {

struct AnswerStart {
  bool in_thinking = false;
  bool constrained = false;  // calls in the reasoning are not held to their schemas: they are text
  std::int64_t prompt_tokens = 0;
};

class AnswerAssembly {
 public:
  // `call` and `model` outlive it.
  AnswerAssembly(const api::Call& call, const HostedModel& model, const AnswerStart& start,
                 std::unique_ptr<api::AnswerWriter> writer);

  // Bytes for the client, which may be none. begin() is part of the first of the others, if it was not called before.
  std::string begin();
  std::string keep_alive();
  std::string push(const TokenEvent& event);
  std::string fail(const api::ApiError& error);

  // The last bytes were given.
  bool over() const { return over_; }
  const api::Usage& usage() const { return usage_; }
  api::EndReason end_reason() const { return ending_.reason; }
  const Answer& answer() const { return parser_.answer(); }
  // What is to be remembered of it, under that id.
  ToldAnswer told(std::string_view id) const {
    return {.answer = parser_.answer(),
            .id = id,
            .ids = ids_,
            .in_thinking = began_in_thinking_,
            .cut = !over_ || stops_.matched(),
            .content = content_said_};
  }

 private:
  // A token that is told once its text is out.
  struct WaitingToken {
    api::TokenText text;
    std::size_t end = 0;  // of its text in the content
  };

  void take_text(const std::string& text, std::string& out);
  void take_deltas(const std::vector<AnswerDelta>& deltas, std::string& out);
  void take_content(const std::string& text, std::string& out);
  void flush_content(std::string& out);
  void say(const AnswerDelta& delta, std::string& out) { out += writer_->piece(delta); }
  void note_token(const SampledToken& token);
  void tell_tokens(std::string& out);
  void finish(FinishReason reason, std::string& out);

  const api::Call& call_;
  const HostedModel& model_;
  std::unique_ptr<api::AnswerWriter> writer_;
  StreamDecoder decoder_;
  AnswerParser parser_;
  StopStrings stops_;
  std::optional<std::int32_t> think_end_;
  std::vector<std::int32_t> ids_;  // that were sampled, without the end of sentence
  const bool began_in_thinking_;
  bool in_thinking_;
  bool begun_ = false;
  bool over_ = false;
  std::size_t content_read_ = 0;  // bytes given to the stop strings
  std::size_t content_said_ = 0;  // bytes they let through
  std::deque<WaitingToken> waiting_;
  api::Usage usage_;
  api::AnswerEnding ending_;
};

}  // namespace fathom::server
