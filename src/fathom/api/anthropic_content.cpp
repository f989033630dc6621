#include "fathom/api/anthropic_content.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "fathom/api/api_error.h"
#include "fathom/api/call_pairing.h"
#include "fathom/chat/json_text.h"

namespace fathom::api {
namespace {

using Kind = JsonValue::Kind;

constexpr std::string_view kBillingHeader = "x-anthropic-billing-header:";

std::string required_text(const JsonField& field) {
  field.expect(Kind::string);
  return field.value().text;
}

std::string type_of(const JsonField& block) {
  block.expect(Kind::object);
  return required_text(block.member("type"));
}

// A block as text. A tool that a search found is called by its name: all tools are offered from the start.
std::string read_text_block(const JsonField& block) {
  const std::string type = type_of(block);
  if (type == "text") return required_text(block.member("text"));
  if (type == "tool_reference") return block.member("tool_name").text_or_none().value_or("");
  return fmt::format("[Unsupported {}]", type);
}

std::string read_text(const JsonField& content) {
  if (content.is_none()) return {};
  if (content.is(Kind::string)) return content.value().text;
  if (!content.is(Kind::array)) content.fail("a string or an array of content blocks");
  std::string joined;
  std::string_view between;
  for (const JsonField& block : content.elements()) {
    joined += between;
    joined += read_text_block(block);
    between = "\n\n";
  }
  return joined;
}

std::string without_billing(std::string text) {
  if (!text.starts_with(kBillingHeader)) return text;
  const std::size_t rest = text.find_first_not_of('\n', std::min(text.find('\n'), text.size()));
  return rest == std::string::npos ? std::string() : text.substr(rest);
}

void read_user(const JsonField& content, TurnBuilder& turns) {
  if (!content.is(Kind::array)) {
    turns.user(required_text(content));
    return;
  }
  std::optional<std::string> text;  // of neighbouring blocks
  const auto say = [&] {
    if (text) turns.user(*std::exchange(text, std::nullopt));
  };
  for (const JsonField& block : content.elements()) {
    if (type_of(block) == "tool_result") {
      say();
      turns.result(required_text(block.member("tool_use_id")), read_text(block.member("content")));
    } else {
      const std::string more = read_text_block(block);
      text = text ? *text + "\n\n" + more : more;
    }
  }
  say();
}

void read_assistant_block(const JsonField& block, TurnBuilder& turns) {
  const std::string type = type_of(block);
  if (type == "thinking") {
    turns.reasoning(block.member("thinking").text_or_none().value_or(""));
  } else if (type == "tool_use") {
    const JsonField input = block.member("input");
    if (!input.is_none()) input.expect(Kind::object);
    turns.call({.id = required_text(block.member("id")),
                .name = required_text(block.member("name")),
                .arguments = input.is_none() ? "{}" : write_json(input.value())});
  } else if (type != "redacted_thinking") {
    turns.answer(read_text_block(block));
  }
}

void read_assistant(const JsonField& content, TurnBuilder& turns) {
  if (!content.is(Kind::array)) {
    turns.answer(required_text(content));
    return;
  }
  for (const JsonField& block : content.elements()) read_assistant_block(block, turns);
}

}  // namespace

std::string read_anthropic_system(const JsonField& system) {
  if (!system.is(Kind::array)) return without_billing(read_text(system));
  std::string joined;
  for (const JsonField& block : system.elements()) join_text(joined, without_billing(read_text_block(block)));
  return joined;
}

void read_anthropic_messages(const JsonField& messages, TurnBuilder& turns) {
  enum class Speaker { user, assistant, system };
  constexpr std::array<std::pair<std::string_view, Speaker>, 3> speakers = {
      {{"user", Speaker::user}, {"assistant", Speaker::assistant}, {"system", Speaker::system}}};
  messages.expect(Kind::array);
  for (const JsonField& message : messages.elements()) {
    message.expect(Kind::object);
    const JsonField content = message.member("content");
    if (!content.is(Kind::string) && !content.is(Kind::array)) content.fail("a string or an array of content blocks");
    switch (message.member("role").one_of<Speaker>(speakers)) {
      case Speaker::user: read_user(content, turns); break;
      case Speaker::assistant: read_assistant(content, turns); break;
      case Speaker::system: turns.system(read_anthropic_system(content)); break;
    }
  }
}

void check_anthropic_calls(const std::vector<ChatMessage>& messages) {
  const std::optional<UnpairedCall> alone = find_unpaired_call(messages);
  if (!alone) return;
  if (alone->fault == UnpairedCall::Fault::no_call)
    throw ApiError(
        400, "invalid_request_error",
        fmt::format("messages: a `tool_result` block answers `tool_use_id` {}, which the assistant's message "
                    "before it does not have",
                    alone->id));
  throw ApiError(400, "invalid_request_error",
                 fmt::format("messages: `tool_use` ids were found without `tool_result` blocks immediately after: {}. "
                             "Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
                             alone->id));
}

}  // namespace fathom::api
