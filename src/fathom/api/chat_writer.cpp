#include "fathom/api/chat_writer.h"

#include <utility>
#include <vector>

#include "fathom/api/call_ids.h"
#include "fathom/api/chunk_writer.h"
#include "fathom/api/draft_usage.h"
#include "fathom/api/held_brace.h"
#include "fathom/api/json_object.h"
#include "fathom/api/token_logprobs.h"

namespace fathom::api {
namespace {

std::string usage_json(const Usage& usage, bool thinking) {
  JsonObject json;
  json.number("prompt_tokens", usage.prompt_tokens).number("completion_tokens", usage.completion_tokens);
  json.number("total_tokens", usage.prompt_tokens + usage.completion_tokens);
  json.json("prompt_tokens_details", JsonObject().number("cached_tokens", usage.cached_tokens).close());
  if (thinking)
    json.json("completion_tokens_details", JsonObject().number("reasoning_tokens", usage.reasoning_tokens).close());
  json.number("prompt_cache_hit_tokens", usage.cached_tokens);
  json.number("prompt_cache_miss_tokens", usage.prompt_tokens - usage.cached_tokens);
  return add_drafts(json, usage).close();
}

std::string call_json(std::int64_t index, const std::string& id, const std::string& name,
                      const std::string& arguments) {
  const std::string function = JsonObject().text("name", name).text("arguments", arguments).close();
  return JsonObject().number("index", index).text("id", id).text("type", "function").json("function", function).close();
}

// Tokens of a piece, or of all: JSON lists without their brackets.
struct Logprobs {
  std::string content;
  std::string reasoning;

  void add(const TokenText& token) {
    std::string& list = token.reasoning ? reasoning : content;
    if (!list.empty()) list += ',';
    list += token_json(token);
  }
};

class ChatWriter : public AnswerWriter {
 public:
  ChatWriter(const Call& call, AnswerIdentity identity)
      : chunks_({.stream = call.stream, .include_usage = call.include_usage, .object = "chat.completion.chunk"},
                identity),
        identity_(std::move(identity)),
        thinking_(call.prompt.thinking_mode == ThinkingMode::thinking),
        logprobs_(call.sampling.top_logprobs >= 0) {}

  std::string begin(const Usage& so_far) override {
    usage_ = so_far;
    if (!chunks_.streams()) return {};
    JsonObject delta;
    delta.text("role", "assistant");
    if (thinking_) {
      delta.null("content").text("reasoning_content", "");
    } else {
      delta.text("content", "");
    }
    return chunk({.delta = delta.close()});
  }

  std::string keep_alive() override { return std::string(chunks_.keep_alive()); }

  std::string piece(const AnswerDelta& delta) override {
    switch (delta.kind) {
      case AnswerDelta::Kind::reasoning: return add_reasoning(delta.text);
      case AnswerDelta::Kind::content: return add_content(delta.text);
      case AnswerDelta::Kind::call_start: return open_call(delta);
      case AnswerDelta::Kind::call_arguments: return add_arguments(brace_.pass(delta.text));
      case AnswerDelta::Kind::call_end: return close_call(delta.complete);
    }
    return {};
  }

  std::string tokens(std::span<const TokenText> tokens) override {
    if (!logprobs_) return {};
    for (const TokenText& token : tokens) waiting_.add(token);
    return chunks_.streams() ? send_held() : std::string();
  }

  std::string finish(const AnswerEnding& ending) override {
    usage_ = ending.usage;
    return chunks_.streams() ? end(finish_reason(ending.reason)) : body(finish_reason(ending.reason));
  }

  std::string fail(const ApiError& error) override {
    return chunks_.streams() ? end(finish_reason(EndReason::overloaded)) : error_body(error, false);
  }

 private:
  // A chunk's choice before its tokens are known.
  struct Piece {
    std::string delta;
    bool reasoning = false;
  };
  struct OpenCall {
    std::int64_t index = 0;
    std::string id;
    std::string name;
    std::string arguments;
  };

  std::string add_reasoning(const std::string& text) {
    if (text.empty()) return {};
    if (!chunks_.streams()) {
      reasoning_ += text;
      return {};
    }
    return send({.delta = JsonObject().null("content").text("reasoning_content", text).close(), .reasoning = true});
  }

  std::string add_content(const std::string& text) {
    if (text.empty()) return {};
    if (!chunks_.streams()) {
      content_ += text;
      return {};
    }
    JsonObject delta;
    delta.text("content", text);
    if (thinking_) delta.null("reasoning_content");
    return send({.delta = delta.close()});
  }

  std::string open_call(const AnswerDelta& delta) {
    brace_.begin();
    call_ = {.index = delta.call, .id = call_id(identity_.id, delta.call), .name = delta.text, .arguments = {}};
    return chunks_.streams() ? send_call(call_json(call_.index, call_.id, call_.name, "")) : std::string();
  }

  std::string add_arguments(const std::string& text) {
    if (text.empty()) return {};
    if (!chunks_.streams()) {
      call_.arguments += text;
      return {};
    }
    const std::string function = JsonObject().text("arguments", text).close();
    return send_call(JsonObject().number("index", call_.index).json("function", function).close());
  }

  std::string close_call(bool complete) {
    std::string out = add_arguments(brace_.end(complete));
    if (complete && !chunks_.streams()) {
      calls_.add(call_json(call_.index, call_.id, call_.name, call_.arguments));
      has_calls_ = true;
    }
    return out;
  }

  std::string send_call(const std::string& call) {
    return send({.delta = JsonObject().json("tool_calls", "[" + call + "]").close()});
  }

  std::string send(Piece piece) {
    if (!logprobs_) return chunk(piece);
    held_.push_back(std::move(piece));
    return {};
  }

  // Every piece with the tokens of its kind that are there. Those that no piece takes, because their text is markup,
  // wait for the next.
  std::string send_held() {
    std::string out;
    for (const Piece& piece : std::exchange(held_, {})) {
      Logprobs taken;
      if (piece.reasoning) {
        taken.reasoning = std::exchange(waiting_.reasoning, {});
      } else {
        taken.content = std::exchange(waiting_.content, {});
      }
      out += chunk(piece, taken);
    }
    return out;
  }

  std::string logprobs_json(const Logprobs& tokens, bool empty_lists) const {
    if (!logprobs_ || (!empty_lists && tokens.content.empty() && tokens.reasoning.empty())) return "null";
    const auto list = [empty_lists](const std::string& joined) {
      return joined.empty() && !empty_lists ? "null" : "[" + joined + "]";
    };
    JsonObject json;
    json.json("content", list(tokens.content));
    if (thinking_) json.json("reasoning_content", list(tokens.reasoning));
    return json.close();
  }

  std::string chunk(const Piece& piece, const Logprobs& tokens = {}) const {
    JsonObject choice;
    choice.number("index", 0).json("delta", piece.delta).json("logprobs", logprobs_json(tokens, false));
    return chunks_.chunk(choice.null("finish_reason").close());
  }

  std::string end(std::string_view reason) {
    std::string out = send_held();
    JsonObject delta;
    delta.text("content", "");
    if (thinking_) delta.null("reasoning_content");
    JsonObject choice;
    choice.number("index", 0).json("delta", delta.close());
    choice.json("logprobs", logprobs_json(std::exchange(waiting_, {}), false)).text("finish_reason", reason);
    out += chunks_.chunk(choice.close(), usage_json(usage_, thinking_));
    return out += ChunkWriter::done();
  }

  std::string body(std::string_view reason) const {
    JsonObject message;
    message.text("role", "assistant").text("content", content_);
    if (thinking_) message.text("reasoning_content", reasoning_);
    if (has_calls_) message.json("tool_calls", calls_.close());
    JsonObject choice;
    choice.number("index", 0).json("message", message.close()).json("logprobs", logprobs_json(waiting_, true));
    choice.text("finish_reason", reason);
    JsonObject body;
    body.text("id", identity_.id).text("object", "chat.completion").number("created", identity_.created);
    body.text("model", identity_.model).json("choices", "[" + choice.close() + "]");
    body.json("usage", usage_json(usage_, thinking_)).text("system_fingerprint", identity_.fingerprint);
    return body.close();
  }

  ChunkWriter chunks_;
  AnswerIdentity identity_;
  bool thinking_;
  bool logprobs_;
  Usage usage_;
  HeldBrace brace_;
  OpenCall call_;
  std::vector<Piece> held_;  // of a stream with logprobs: waiting for tokens
  Logprobs waiting_;         // tokens of no piece yet; without a stream all of them
  // Of a body.
  std::string reasoning_;
  std::string content_;
  JsonArray calls_;
  bool has_calls_ = false;
};

}  // namespace

std::unique_ptr<AnswerWriter> write_chat(const Call& call, AnswerIdentity identity) {
  return std::make_unique<ChatWriter>(call, std::move(identity));
}

}  // namespace fathom::api
