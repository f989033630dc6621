#include "fathom/server/answer_assembly.h"

#include "fathom/chat/markers.h"

namespace fathom::server {
namespace {

AnswerOptions answer_options(const api::Call& call, const AnswerStart& start) {
  AnswerOptions options{.thinking_mode = start.in_thinking ? ThinkingMode::thinking : ThinkingMode::chat,
                        .tools_offered = !call.tools.empty() && call.tool_choice.kind != api::ToolChoice::Kind::none,
                        .calls_in_thinking = !start.constrained};
  for (const ChatMessage& message : call.messages)
    options.tools.insert(options.tools.end(), message.tools.begin(), message.tools.end());
  return options;
}

}  // namespace

AnswerAssembly::AnswerAssembly(const api::Call& call, const HostedModel& model, const AnswerStart& start,
                               std::unique_ptr<api::AnswerWriter> writer)
    : call_(call),
      model_(model),
      writer_(std::move(writer)),
      decoder_(*model.tokenizer),
      parser_(answer_options(call, start)),
      stops_(call.sampling.stop),
      think_end_(model.tokenizer->added_token(marker::think_end)),
      began_in_thinking_(start.in_thinking),
      in_thinking_(start.in_thinking) {
  usage_.prompt_tokens = start.prompt_tokens;
}

std::string AnswerAssembly::begin() {
  if (begun_) return {};
  begun_ = true;
  return writer_->begin(usage_);
}

// What begins an answer is written first: the operands of + have no order.
std::string AnswerAssembly::keep_alive() {
  std::string out = begin();
  return out += writer_->keep_alive();
}

std::string AnswerAssembly::fail(const api::ApiError& error) {
  over_ = true;
  std::string out = begin();
  return out += writer_->fail(error);
}

std::string AnswerAssembly::push(const TokenEvent& event) {
  if (over_) return {};
  const bool has_token = event.finish != FinishReason::overloaded;
  if (has_token) usage_.cached_tokens = event.cached_tokens;  // a stream begins with it
  std::string out = begin();
  if (has_token) {
    ++usage_.completion_tokens;
    usage_.drafted_tokens = event.drafted;
    usage_.accepted_tokens = event.accepted;
    if (in_thinking_) ++usage_.reasoning_tokens;
    const std::int32_t id = event.token.token;
    if (id != model_.end_of_sentence) {
      ids_.push_back(id);
      take_text(decoder_.push(id), out);
    }
    note_token(event.token);
  }
  if (stops_.matched() || event.finish != FinishReason::none) {
    finish(event.finish, out);
  } else {
    tell_tokens(out);
  }
  return out;
}

void AnswerAssembly::take_text(const std::string& text, std::string& out) {
  if (text.empty()) return;
  if (call_.completion) return take_content(text, out);
  take_deltas(parser_.feed(text), out);
}

void AnswerAssembly::take_deltas(const std::vector<AnswerDelta>& deltas, std::string& out) {
  for (const AnswerDelta& delta : deltas) {
    if (stops_.matched()) return;
    if (delta.kind == AnswerDelta::Kind::content) {
      take_content(delta.text, out);
    } else {
      if (delta.kind == AnswerDelta::Kind::call_start) flush_content(out);
      say(delta, out);
    }
    if (delta.kind != AnswerDelta::Kind::reasoning) in_thinking_ = false;
  }
}

void AnswerAssembly::take_content(const std::string& text, std::string& out) {
  content_read_ += text.size();
  const std::string sure = stops_.feed(text);
  content_said_ += sure.size();
  if (!sure.empty()) say({.kind = AnswerDelta::Kind::content, .text = sure}, out);
}

// What might have become a stop string did not.
void AnswerAssembly::flush_content(std::string& out) {
  const std::string rest = stops_.finish();
  content_said_ = content_read_;
  if (!rest.empty()) say({.kind = AnswerDelta::Kind::content, .text = rest}, out);
  stops_ = StopStrings(call_.sampling.stop);
}

void AnswerAssembly::note_token(const SampledToken& token) {
  const bool was_thinking = in_thinking_;
  if (think_end_ && token.token == *think_end_) in_thinking_ = false;
  const bool is_text = token.token != model_.end_of_sentence && !(was_thinking && !in_thinking_);
  if (call_.sampling.top_logprobs < 0 || !is_text) return;
  WaitingToken waiting{.text = {.bytes = std::string(model_.tokenizer->piece(token.token)),
                                .logprob = token.logprob,
                                .top = {},
                                .reasoning = was_thinking},
                       .end = content_read_};
  for (const TokenLogprob& other : token.top_logprobs)
    waiting.text.top.push_back({.bytes = std::string(model_.tokenizer->piece(other.token)), .logprob = other.logprob});
  waiting_.push_back(std::move(waiting));
}

void AnswerAssembly::tell_tokens(std::string& out) {
  std::vector<api::TokenText> told;
  while (!waiting_.empty() && waiting_.front().end <= content_said_) {
    told.push_back(std::move(waiting_.front().text));
    waiting_.pop_front();
  }
  if (!told.empty()) out += writer_->tokens(told);
}

void AnswerAssembly::finish(FinishReason reason, std::string& out) {
  over_ = true;
  if (!stops_.matched()) {
    const auto end = reason == FinishReason::stop ? AnswerEnd::stopped : AnswerEnd::cut_off;
    take_text(decoder_.finish(), out);
    if (!call_.completion) take_deltas(parser_.finish(end), out);
  }
  if (stops_.matched()) {
    ending_.reason = api::EndReason::stop_string;
    ending_.stop_string = stops_.match();
  } else {
    flush_content(out);
    switch (reason) {
      case FinishReason::length: ending_.reason = api::EndReason::length; break;
      case FinishReason::overloaded: ending_.reason = api::EndReason::overloaded; break;
      default: ending_.reason = api::EndReason::stop;
    }
  }
  const bool ended_itself = ending_.reason == api::EndReason::stop || ending_.reason == api::EndReason::stop_string;
  if (ended_itself && !parser_.answer().calls.empty()) ending_.reason = api::EndReason::tool_calls;
  tell_tokens(out);
  ending_.usage = usage_;
  out += writer_->finish(ending_);
}

}  // namespace fathom::server
