#include "fathom/api/anthropic_writer.h"

#include <utility>

#include "fathom/api/call_ids.h"
#include "fathom/api/draft_usage.h"
#include "fathom/api/event_frame.h"
#include "fathom/api/held_brace.h"
#include "fathom/api/json_object.h"

namespace fathom::api {
namespace {

std::string usage_json(const Usage& usage) {
  JsonObject json;
  json.number("input_tokens", usage.prompt_tokens - usage.cached_tokens)
      .number("cache_creation_input_tokens", 0)
      .number("cache_read_input_tokens", usage.cached_tokens)
      .number("output_tokens", usage.completion_tokens);
  if (usage.reasoning_tokens > 0)
    json.json("output_tokens_details", JsonObject().number("thinking_tokens", usage.reasoning_tokens).close());
  json.text("service_tier", "standard");
  return add_drafts(json, usage).close();
}

std::string_view stop_reason(EndReason reason) {
  switch (reason) {
    case EndReason::stop: return "end_turn";
    case EndReason::stop_string: return "stop_sequence";
    case EndReason::length: return "max_tokens";
    case EndReason::tool_calls: return "tool_use";
    case EndReason::overloaded: break;  // an error, not an ending
  }
  return "end_turn";
}

void add_stop(JsonObject& object, const AnswerEnding& ending) {
  object.text("stop_reason", stop_reason(ending.reason));
  if (ending.reason == EndReason::stop_string) {
    object.text("stop_sequence", ending.stop_string);
  } else {
    object.null("stop_sequence");
  }
}

ApiError overloaded() {
  return {503, "overloaded_error",
          "Service is too busy. We advise users to temporarily switch to alternative LLM API service providers."};
}

class AnthropicWriter : public AnswerWriter {
 public:
  AnthropicWriter(bool stream, AnswerIdentity identity) : stream_(stream), identity_(std::move(identity)) {}

  std::string begin(const Usage& so_far) override {
    if (!stream_) return {};
    JsonObject message = open_message("[]");
    message.null("stop_reason").null("stop_sequence").json("usage", usage_json(so_far));
    return event("message_start", JsonObject().text("type", "message_start").json("message", message.close())) +
           keep_alive();
  }

  std::string keep_alive() override { return stream_ ? event("ping", JsonObject().text("type", "ping")) : ""; }

  std::string piece(const AnswerDelta& delta) override {
    std::string out;
    switch (delta.kind) {
      case AnswerDelta::Kind::reasoning: add_text(Block::thinking, delta.text, out); break;
      case AnswerDelta::Kind::content: add_text(Block::text, delta.text, out); break;
      case AnswerDelta::Kind::call_start: open_call(delta, out); break;
      case AnswerDelta::Kind::call_arguments: add_arguments(brace_.pass(delta.text), out); break;
      case AnswerDelta::Kind::call_end:
        add_arguments(brace_.end(delta.complete), out);
        whole_ = delta.complete;
        close_block(out);
        break;
    }
    return out;
  }

  std::string tokens(std::span<const TokenText> /*tokens*/) override { return {}; }  // the surface has no logprobs

  std::string finish(const AnswerEnding& ending) override {
    if (ending.reason == EndReason::overloaded) return fail(overloaded());
    std::string out;
    close_block(out);
    if (stream_) {
      JsonObject delta;
      add_stop(delta, ending);
      out += event("message_delta", JsonObject()
                                        .text("type", "message_delta")
                                        .json("delta", delta.close())
                                        .json("usage", usage_json(ending.usage)));
      return out + event("message_stop", JsonObject().text("type", "message_stop"));
    }
    JsonObject message = open_message(content_.close());
    add_stop(message, ending);
    return message.json("usage", usage_json(ending.usage)).close();
  }

  std::string fail(const ApiError& error) override {
    // Anthropic's clients know this one, and try again.
    const bool full = error.status() == 503;
    const std::string body = error_body(full ? ApiError(503, "overloaded_error", error.what()) : error, true);
    return stream_ ? event_frame("error", body) : body;
  }

 private:
  enum class Block { none, thinking, text, call };

  static std::string event(std::string_view name, const JsonObject& data) { return event_frame(name, data.close()); }

  JsonObject open_message(std::string_view content) const {
    JsonObject message;
    message.text("id", identity_.id).text("type", "message").text("role", "assistant").text("model", identity_.model);
    return std::move(message.json("content", content));
  }

  JsonObject open_event(std::string_view type) const {
    JsonObject data;
    data.text("type", type).number("index", index_);
    return data;
  }

  void send_delta(const JsonObject& delta, std::string& out) const {
    out += event("content_block_delta", open_event("content_block_delta").json("delta", delta.close()));
  }

  void open_block(Block block, const JsonObject& start, std::string& out) {
    close_block(out);
    ++index_;
    block_ = block;
    whole_ = true;
    text_.clear();
    if (stream_)
      out += event("content_block_start", open_event("content_block_start").json("content_block", start.close()));
  }

  void add_text(Block block, std::string_view text, std::string& out) {
    if (text.empty()) return;
    const bool thinking = block == Block::thinking;
    if (block_ != block) {
      JsonObject start;
      start.text("type", thinking ? "thinking" : "text").text(thinking ? "thinking" : "text", "");
      if (thinking) start.text("signature", "");  // without it Claude Code shows no thinking
      open_block(block, start, out);
    }
    if (!stream_) {
      text_ += text;
    } else if (thinking) {
      send_delta(JsonObject().text("type", "thinking_delta").text("thinking", text), out);
    } else {
      send_delta(JsonObject().text("type", "text_delta").text("text", text), out);
    }
  }

  void open_call(const AnswerDelta& delta, std::string& out) {
    call_id_ = call_id(identity_.id, delta.call);
    call_name_ = delta.text;
    brace_.begin();
    open_block(Block::call,
               JsonObject().text("type", "tool_use").text("id", call_id_).text("name", call_name_).json("input", "{}"),
               out);
    whole_ = false;
  }

  void add_arguments(std::string_view text, std::string& out) {
    if (text.empty()) return;
    if (stream_) {
      send_delta(JsonObject().text("type", "input_json_delta").text("partial_json", text), out);
    } else {
      text_ += text;
    }
  }

  void close_block(std::string& out) {
    const Block block = std::exchange(block_, Block::none);
    if (block == Block::none) return;
    if (stream_) {
      if (block == Block::thinking)
        send_delta(JsonObject().text("type", "signature_delta").text("signature", identity_.id), out);
      out += event("content_block_stop", open_event("content_block_stop"));
      return;
    }
    switch (block) {
      case Block::thinking:
        content_.add(
            JsonObject().text("type", "thinking").text("thinking", text_).text("signature", identity_.id).close());
        break;
      case Block::text: content_.add(JsonObject().text("type", "text").text("text", text_).close()); break;
      case Block::call:
        if (!whole_) break;
        content_.add(JsonObject()
                         .text("type", "tool_use")
                         .text("id", call_id_)
                         .text("name", call_name_)
                         .json("input", text_)
                         .close());
        break;
      case Block::none: break;
    }
  }

  bool stream_;
  AnswerIdentity identity_;
  Block block_ = Block::none;
  std::int64_t index_ = -1;  // of the block that is open, or was last
  bool whole_ = true;
  HeldBrace brace_;
  std::string call_id_;
  std::string call_name_;
  std::string text_;   // of the open block, for a body
  JsonArray content_;  // closed blocks, for a body
};

}  // namespace

std::unique_ptr<AnswerWriter> write_anthropic(const Call& call, AnswerIdentity identity) {
  return std::make_unique<AnthropicWriter>(call.stream, std::move(identity));
}

std::string anthropic_token_count(std::int64_t tokens) { return JsonObject().number("input_tokens", tokens).close(); }

}  // namespace fathom::api
