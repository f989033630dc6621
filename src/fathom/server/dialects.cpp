#include "fathom/server/dialects.h"

#include <fmt/format.h>

#include "fathom/api/anthropic_body.h"
#include "fathom/api/anthropic_writer.h"
#include "fathom/api/responses_body.h"
#include "fathom/api/responses_writer.h"
#include "fathom/chat/json_text.h"
#include "fathom/chat/message_json.h"

// A stand-in for the api room's chat surface until it is there.
namespace fathom::server {
namespace {

class PlainWriter final : public api::AnswerWriter {
 public:
  PlainWriter(bool stream, api::AnswerIdentity identity) : stream_(stream), identity_(std::move(identity)) {}
  std::string begin(const api::Usage&) override {
    return chunk("{\"role\": \"assistant\", \"content\": \"\"}", "null");
  }
  std::string keep_alive() override { return stream_ ? ": keep-alive\n\n" : ""; }
  std::string piece(const AnswerDelta& delta) override {
    std::string text;
    append_json_string(text, delta.text);
    content_ += delta.text;
    return chunk(fmt::format("{{\"{}\": {}}}",
                             delta.kind == AnswerDelta::Kind::reasoning ? "reasoning_content" : "content", text),
                 "null");
  }
  std::string tokens(std::span<const api::TokenText>) override { return {}; }
  std::string finish(const api::AnswerEnding& ending) override {
    const char* reason = ending.reason == api::EndReason::length ? "\"length\"" : "\"stop\"";
    if (stream_) return chunk("{\"content\": \"\"}", reason) + "data: [DONE]\n\n";
    std::string text;
    append_json_string(text, content_);
    return fmt::format(
        "{{\"choices\": [{{\"message\": {{\"role\": \"assistant\", \"content\": {}}}, \"finish_reason\": {}}}]}}", text,
        reason);
  }
  std::string fail(const api::ApiError& error) override { return "data: " + error_body(error, false) + "\n\n"; }

 private:
  std::string chunk(const std::string& delta, const char* reason) const {
    if (!stream_) return {};
    return fmt::format(
        "data: {{\"id\": \"{}\", \"choices\": [{{\"index\": 0, \"delta\": {}, \"finish_reason\": {}}}]}}\n\n",
        identity_.id, delta, reason);
  }
  bool stream_;
  api::AnswerIdentity identity_;
  std::string content_;
};

api::Call read_plain(std::string_view body, const api::Policy& policy, const api::RequestContext&) {
  const JsonValue json = read_json(body, "request");
  const ChatRequest request = read_chat_request(json);
  api::Call call;
  call.messages = request.messages;
  call.prompt = request.options;
  call.model = policy.models.front().id;
  if (const JsonValue* stream = json.find("stream")) call.stream = stream->truthy();
  if (const JsonValue* tokens = json.find("max_tokens")) call.sampling.max_tokens = std::stoll(tokens->text);
  return call;
}

}  // namespace

Dialects api_dialects() {
  Dialects all;
  all.chat.read = read_plain;
  all.chat.writer = [](const api::Call& call, const api::AnswerIdentity& identity) {
    return std::make_unique<PlainWriter>(call.stream, identity);
  };
  all.anthropic = {.read = api::read_anthropic, .writer = api::write_anthropic};
  all.responses = {.read = api::read_responses, .writer = api::write_responses};
  all.token_count = api::anthropic_token_count;
  all.models = [](const api::Policy&) { return std::string("{\"data\": []}"); };
  return all;
}

}  // namespace fathom::server
