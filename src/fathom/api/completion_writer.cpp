#include "fathom/api/completion_writer.h"

#include <utility>

#include "fathom/api/chunk_writer.h"
#include "fathom/api/draft_usage.h"
#include "fathom/api/json_object.h"
#include "fathom/api/token_logprobs.h"
#include "fathom/base/error.h"

namespace fathom::api {
namespace {

std::string usage_json(const Usage& usage) {
  JsonObject json;
  json.number("completion_tokens", usage.completion_tokens)
      .number("prompt_tokens", usage.prompt_tokens)
      .number("prompt_cache_hit_tokens", usage.cached_tokens)
      .number("prompt_cache_miss_tokens", usage.prompt_tokens - usage.cached_tokens)
      .number("total_tokens", usage.prompt_tokens + usage.completion_tokens);
  return add_drafts(json, usage).close();
}

class CompletionWriter : public AnswerWriter {
 public:
  CompletionWriter(const Call& call, AnswerIdentity identity, std::string echo)
      : chunks_({.stream = call.stream, .include_usage = call.include_usage, .object = "text_completion"}, identity),
        identity_(std::move(identity)),
        logprobs_(call.sampling.top_logprobs >= 0),
        text_(std::move(echo)),
        tokens_(text_) {}

  std::string begin(const Usage& so_far) override {
    usage_ = so_far;
    if (!chunks_.streams() || text_.empty()) return {};
    return chunks_.chunk(choice(std::exchange(text_, {}), "null", {}));
  }

  std::string keep_alive() override { return std::string(chunks_.keep_alive()); }

  std::string piece(const AnswerDelta& delta) override {
    text_ += delta.text;
    // With logprobs the text waits for its tokens.
    return chunks_.streams() && !logprobs_ ? send() : std::string();
  }

  std::string tokens(std::span<const TokenText> tokens) override {
    if (!logprobs_) return {};
    for (const TokenText& token : tokens) tokens_.add(token);
    return chunks_.streams() ? send() : std::string();
  }

  std::string finish(const AnswerEnding& ending) override {
    usage_ = ending.usage;
    return chunks_.streams() ? end(finish_reason(ending.reason)) : body(finish_reason(ending.reason));
  }

  std::string fail(const ApiError& error) override {
    return chunks_.streams() ? end(finish_reason(EndReason::overloaded)) : error_body(error, false);
  }

 private:
  static std::string choice(std::string_view text, std::string_view logprobs, std::string_view reason) {
    JsonObject json;
    json.number("index", 0).text("text", text);
    if (reason.empty()) {
      json.null("finish_reason");
    } else {
      json.text("finish_reason", reason);
    }
    return json.json("logprobs", logprobs).close();
  }

  std::string take_logprobs() { return tokens_.empty() ? "null" : tokens_.take(); }

  std::string send() {
    if (text_.empty()) return {};
    const std::string logprobs = take_logprobs();
    return chunks_.chunk(choice(std::exchange(text_, {}), logprobs, {}));
  }

  std::string end(std::string_view reason) {
    std::string out = send();
    out += chunks_.chunk(choice("", take_logprobs(), reason), usage_json(usage_));
    return out += ChunkWriter::done();
  }

  std::string body(std::string_view reason) {
    const std::string only = choice(text_, logprobs_ ? tokens_.take() : "null", reason);
    JsonObject body;
    body.text("id", identity_.id).text("object", "text_completion").number("created", identity_.created);
    body.text("model", identity_.model).text("system_fingerprint", identity_.fingerprint);
    return body.json("choices", "[" + only + "]").json("usage", usage_json(usage_)).close();
  }

  ChunkWriter chunks_;
  AnswerIdentity identity_;
  bool logprobs_;
  Usage usage_;
  std::string text_;  // not sent yet; without a stream all of it
  CompletionLogprobs tokens_;
};

}  // namespace

std::unique_ptr<AnswerWriter> write_completion(const Call& call, AnswerIdentity identity) {
  check(call.completion.has_value(), "a completion is asked for by its prompt");
  std::string echo = call.completion->echo ? call.completion->prompt : std::string();
  return std::make_unique<CompletionWriter>(call, std::move(identity), std::move(echo));
}

}  // namespace fathom::api
