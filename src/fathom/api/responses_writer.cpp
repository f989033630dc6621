#include "fathom/api/responses_writer.h"

#include <optional>
#include <utility>

#include "fathom/api/call_ids.h"
#include "fathom/api/draft_usage.h"
#include "fathom/api/event_frame.h"
#include "fathom/api/held_brace.h"
#include "fathom/api/json_object.h"
#include "fathom/api/response_item.h"
#include "fathom/api/token_logprobs.h"

namespace fathom::api {
namespace {

std::string usage_json(const Usage& usage) {
  JsonObject json;
  json.number("input_tokens", usage.prompt_tokens)
      .json("input_tokens_details", JsonObject().number("cached_tokens", usage.cached_tokens).close())
      .number("output_tokens", usage.completion_tokens)
      .json("output_tokens_details", JsonObject().number("reasoning_tokens", usage.reasoning_tokens).close())
      .number("total_tokens", usage.prompt_tokens + usage.completion_tokens);
  return add_drafts(json, usage).close();
}

// How a response stands: what changes between its first event and its last.
struct Standing {
  std::string_view status = "in_progress";
  std::optional<Usage> usage = {};
  std::string_view incomplete_reason = {};
  std::string error = {};  // JSON, or empty
};

class ResponsesWriter : public AnswerWriter {
 public:
  ResponsesWriter(const Call& call, AnswerIdentity identity)
      : stream_(call.stream),
        logprobs_(call.sampling.top_logprobs >= 0),
        store_(call.store),
        previous_(call.previous_response),
        echo_(call.echo),
        tools_(call.tools),
        identity_(std::move(identity)) {}

  std::string begin(const Usage& /*so_far*/) override {
    std::string out = whole_response("response.created", {});
    return out += whole_response("response.in_progress", {});
  }

  // Codex counts events, not bytes.
  std::string keep_alive() override { return whole_response("response.in_progress", {}); }

  std::string piece(const AnswerDelta& delta) override {
    std::string out;
    switch (delta.kind) {
      case AnswerDelta::Kind::reasoning: add_text(ItemKind::reasoning, delta.text, out); break;
      case AnswerDelta::Kind::content: add_text(ItemKind::message, delta.text, out); break;
      case AnswerDelta::Kind::call_start: open_call(delta, out); break;
      case AnswerDelta::Kind::call_arguments: add_arguments(delta.text, out); break;
      case AnswerDelta::Kind::call_end:
        whole_ = delta.complete;
        close_item(ItemStatus::completed, out);
        break;
    }
    return out;
  }

  std::string tokens(std::span<const TokenText> tokens) override {
    JsonArray logprobs;
    for (const TokenText& token : tokens)
      if (!token.reasoning) {
        logprobs.add(token_json(token));
        part_logprobs_.add(token_json(token));
      }
    std::string out;
    send_text(logprobs.close(), out);
    return out;
  }

  std::string finish(const AnswerEnding& ending) override {
    std::string out;
    const bool cut_off = ending.reason == EndReason::length;
    if (ending.reason == EndReason::overloaded) {
      const std::string error = JsonObject().text("code", "server_error").text("message", kTooBusy).close();
      abandon_item(out);
      return out + last_response("response.failed", {.status = "failed", .usage = ending.usage, .error = error});
    }
    close_item(cut_off ? ItemStatus::incomplete : ItemStatus::completed, out);
    if (cut_off)
      return out +
             last_response("response.incomplete",
                           {.status = "incomplete", .usage = ending.usage, .incomplete_reason = "max_output_tokens"});
    return out + last_response("response.completed", {.status = "completed", .usage = ending.usage});
  }

  std::string fail(const ApiError& error) override {
    if (!stream_) return error_body(error, false);
    const std::string json = JsonObject().text("code", error.code()).text("message", error.what()).close();
    std::string out;
    abandon_item(out);
    return out + last_response("response.failed", {.status = "failed", .error = json});
  }

 private:
  static constexpr std::string_view kTooBusy =
      "Service is too busy. We advise users to temporarily switch to alternative LLM API service providers.";

  JsonObject open_event(std::string_view type) {
    JsonObject data;
    data.text("type", type).number("sequence_number", sequence_++);
    return data;
  }

  // Of something inside the open item.
  JsonObject open_item_event(std::string_view type, bool of_part) {
    JsonObject data = open_event(type);
    data.text("item_id", item_->id).number("output_index", index_);
    if (of_part) data.number("content_index", 0);
    return data;
  }

  void send(std::string_view type, const JsonObject& data, std::string& out) const {
    if (stream_) out += event_frame(type, data.close());
  }

  std::string response_json(const Standing& standing) const {
    JsonObject response;
    response.text("id", identity_.id).text("object", "response").number("created_at", identity_.created);
    response.text("status", standing.status).truth("background", false);
    response.json("error", standing.error.empty() ? "null" : std::string_view(standing.error));
    response.json("incomplete_details", standing.incomplete_reason.empty()
                                            ? "null"
                                            : JsonObject().text("reason", standing.incomplete_reason).close());
    response.text("model", identity_.model).json("output", output_.close()).truth("parallel_tool_calls", true);
    if (previous_) {
      response.text("previous_response_id", *previous_);
    } else {
      response.null("previous_response_id");
    }
    response.truth("store", store_).members(echo_);
    return response.json("usage", standing.usage ? usage_json(*standing.usage) : "null").close();
  }

  std::string whole_response(std::string_view type, const Standing& standing) {
    if (!stream_) return {};
    return event_frame(type, open_event(type).json("response", response_json(standing)).close());
  }

  std::string last_response(std::string_view type, const Standing& standing) {
    return stream_ ? whole_response(type, standing) : response_json(standing);
  }

  void open_item(ResponseItem item, std::string& out) {
    close_item(ItemStatus::completed, out);
    ++index_;
    item.id = item_id(item.kind, identity_.id, index_);
    if (logprobs_ && item.kind == ItemKind::message) item.logprobs = "[]";
    item_ = std::move(item);
    whole_ = true;
    part_logprobs_ = {};
    JsonObject added = open_event("response.output_item.added");
    added.number("output_index", index_).json("item", item_json(*item_, ItemStatus::in_progress));
    send("response.output_item.added", added, out);
  }

  bool is_open(ItemKind kind) const { return item_ && item_->kind == kind; }

  void add_text(ItemKind kind, std::string_view text, std::string& out) {
    if (text.empty()) return;
    if (!is_open(kind)) {
      open_item({.kind = kind}, out);
      send("response.content_part.added",
           open_item_event("response.content_part.added", true).json("part", part_json(*item_, false)), out);
    }
    waiting_ += text;
    // With logprobs the text waits for its tokens.
    if (kind == ItemKind::reasoning || !logprobs_) send_text({}, out);
  }

  void send_text(std::string_view logprobs, std::string& out) {
    if (waiting_.empty()) return;
    item_->text += waiting_;
    const std::string_view type =
        item_->kind == ItemKind::reasoning ? "response.reasoning_text.delta" : "response.output_text.delta";
    JsonObject delta = open_item_event(type, true);
    delta.text("delta", waiting_);
    if (!item_->logprobs.empty()) delta.json("logprobs", logprobs.empty() ? "[]" : logprobs);
    send(type, delta, out);
    waiting_.clear();
  }

  const ToolSchema* offered(std::string_view name) const {
    for (const ToolSchema& tool : tools_)
      if (tool.name == name) return &tool;
    return nullptr;
  }

  void open_call(const AnswerDelta& delta, std::string& out) {
    ResponseItem item{.kind = ItemKind::function_call};
    item.call_id = call_id(identity_.id, delta.call);
    item.name = delta.text;
    if (const ToolSchema* tool = offered(delta.text)) {
      if (tool->custom) item.kind = ItemKind::custom_call;
      if (!tool->client_name.empty()) item.name = tool->client_name;
      item.name_space = tool->name_space;
    }
    brace_.begin();
    open_item(std::move(item), out);
    whole_ = false;
  }

  void add_arguments(std::string_view text, std::string& out) {
    if (is_open(ItemKind::custom_call)) item_->text += text;  // until all is there
    if (is_open(ItemKind::function_call)) send_arguments(brace_.pass(text), out);
  }

  void send_arguments(const std::string& text, std::string& out) {
    if (text.empty()) return;
    item_->text += text;
    constexpr std::string_view type = "response.function_call_arguments.delta";
    send(type, open_item_event(type, false).text("delta", text), out);
  }

  void close_text(std::string& out) {
    send_text({}, out);
    if (!item_->logprobs.empty()) item_->logprobs = part_logprobs_.close();
    const std::string_view type =
        item_->kind == ItemKind::reasoning ? "response.reasoning_text.done" : "response.output_text.done";
    JsonObject done = open_item_event(type, true);
    done.text("text", item_->text);
    if (!item_->logprobs.empty()) done.json("logprobs", item_->logprobs);
    send(type, done, out);
    send("response.content_part.done",
         open_item_event("response.content_part.done", true).json("part", part_json(*item_, true)), out);
  }

  void close_call(std::string& out) {
    if (item_->kind == ItemKind::function_call) {
      send_arguments(brace_.end(whole_), out);
      if (!whole_) return;
      constexpr std::string_view type = "response.function_call_arguments.done";
      send(type, open_item_event(type, false).text("name", item_->name).text("arguments", item_->text), out);
      return;
    }
    item_->text = custom_input(item_->text);
    if (!whole_) return;
    constexpr std::string_view delta = "response.custom_tool_call_input.delta";
    send(delta, open_item_event(delta, false).text("delta", item_->text), out);
    constexpr std::string_view done = "response.custom_tool_call_input.done";
    send(done, open_item_event(done, false).text("input", item_->text), out);
  }

  void close_item(ItemStatus status, std::string& out) {
    if (!item_) return;
    if (item_->kind == ItemKind::reasoning || item_->kind == ItemKind::message) {
      close_text(out);
    } else {
      close_call(out);
      status = whole_ ? ItemStatus::completed : ItemStatus::incomplete;
    }
    const std::string json = item_json(*item_, status);
    output_.add(json);
    if (whole_) {
      JsonObject done = open_event("response.output_item.done");
      send("response.output_item.done", done.number("output_index", index_).json("item", json), out);
    }
    item_.reset();
  }

  // It stands in the response as far as it came; no event says that it is done.
  void abandon_item(std::string& out) {
    if (!item_) return;
    send_text({}, out);
    output_.add(item_json(*item_, ItemStatus::incomplete));
    item_.reset();
  }

  bool stream_;
  bool logprobs_;
  bool store_;
  std::optional<std::string> previous_;
  std::string echo_;
  std::vector<ToolSchema> tools_;
  AnswerIdentity identity_;
  std::int64_t sequence_ = 0;  // of the next event
  std::int64_t index_ = -1;    // of the latest item
  std::optional<ResponseItem> item_;
  bool whole_ = true;    // the open item, if it is a call
  std::string waiting_;  // text that was not sent yet
  HeldBrace brace_;
  JsonArray part_logprobs_;  // of the open message
  JsonArray output_;         // closed items
};

}  // namespace

std::unique_ptr<AnswerWriter> write_responses(const Call& call, AnswerIdentity identity) {
  return std::make_unique<ResponsesWriter>(call, std::move(identity));
}

}  // namespace fathom::api
