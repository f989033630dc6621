#include "fathom/api/response_store.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "fathom/api/call_ids.h"
#include "fathom/api/json_word.h"
#include "fathom/api/responses_input.h"
#include "fathom/api/turn_builder.h"

namespace fathom::api {
namespace {

bool opens_with_system(const Call& call) {
  return !call.messages.empty() && call.messages.front().role == Role::system;
}

std::int64_t size_of(const ChatMessage& message) {
  std::size_t bytes = sizeof(ChatMessage) + message.tool_call_id.size();
  if (message.content) bytes += message.content->size();
  if (message.reasoning_content) bytes += message.reasoning_content->size();
  for (const ToolCall& call : message.tool_calls)
    bytes += sizeof(ToolCall) + call.id.size() + call.name.size() + call.arguments.size();
  return static_cast<std::int64_t>(bytes);
}

std::int64_t size_of(const StoredResponse& response) {
  auto bytes = static_cast<std::int64_t>(sizeof(StoredResponse) + response.input_system.size());
  for (const ChatMessage& message : response.turns) bytes += size_of(message);
  return bytes;
}

// Two messages of the assistant as one.
void join_turn(ChatMessage& turn, ChatMessage more) {
  if (more.reasoning_content) {
    if (!turn.reasoning_content) turn.reasoning_content.emplace();
    join_text(*turn.reasoning_content, *more.reasoning_content);
  }
  if (more.content) {
    if (!turn.content) turn.content.emplace();
    join_text(*turn.content, *more.content);
  }
  turn.tool_calls.insert(turn.tool_calls.end(), std::make_move_iterator(more.tool_calls.begin()),
                         std::make_move_iterator(more.tool_calls.end()));
}

}  // namespace

StoredResponse stored_response(const Call& call, const Answer& answer, std::string_view response_id) {
  StoredResponse stored;
  stored.input_system = call.input_system;
  stored.turns.assign(call.messages.begin() + (opens_with_system(call) ? 1 : 0), call.messages.end());
  const bool goes_on = !stored.turns.empty() && stored.turns.back().role == Role::assistant;
  if (!goes_on) stored.turns.emplace_back().role = Role::assistant;
  ChatMessage& turn = stored.turns.back();
  turn.open_end = false;
  if (!answer.reasoning_content.empty()) turn.reasoning_content = answer.reasoning_content;
  turn.content = turn.content.value_or("") + answer.content;
  std::int64_t place = 0;
  for (const AnswerCall& made : answer.calls) {
    if (made.complete)
      turn.tool_calls.push_back({.id = call_id(response_id, place), .name = made.name, .arguments = made.arguments});
    ++place;
  }
  return stored;
}

void continue_response(Call& call, const StoredResponse& earlier) {
  call.input_system = earlier.input_system;
  if (!opens_with_system(call) && !earlier.input_system.empty()) {
    ChatMessage system;
    system.role = Role::system;
    call.messages.insert(call.messages.begin(), std::move(system));
  }
  const bool system = opens_with_system(call);
  if (system) {
    std::string text = call.messages.front().content.value_or("");
    join_text(text, earlier.input_system);
    call.messages.front().content = std::move(text);
  }
  const std::ptrdiff_t first = system ? 1 : 0;
  std::vector<ChatMessage> turns = earlier.turns;
  if (!turns.empty() && turns.back().role == Role::assistant && first < std::ssize(call.messages) &&
      call.messages[static_cast<std::size_t>(first)].role == Role::assistant) {
    join_turn(turns.back(), std::move(call.messages[static_cast<std::size_t>(first)]));
    call.messages.erase(call.messages.begin() + first);
  }
  call.messages.insert(call.messages.begin() + first, std::make_move_iterator(turns.begin()),
                       std::make_move_iterator(turns.end()));
  if (call.messages.back().role == Role::assistant) call.messages.back().open_end = true;
  check_response_calls(call.messages);
  check_json_word(call);
}

ApiError response_not_found(std::string_view id) {
  return {400, "invalid_request_error", fmt::format("Previous response with id '{}' not found.", id),
          "previous_response_not_found"};
}

void ResponseStore::put(std::string_view user, std::string_view id, StoredResponse response, Time now) {
  Entry entry{.user = std::string(user), .id = std::string(id), .response = {}, .until = now + limits_.time_to_live};
  entry.bytes = size_of(response) + static_cast<std::int64_t>(sizeof(Entry) + user.size() + 2 * id.size());
  entry.response = std::make_shared<const StoredResponse>(std::move(response));
  const std::lock_guard lock(mutex_);
  drop_expired(now);
  if (entry.bytes > limits_.bytes || by_id_.contains(entry.id)) return;
  while (bytes_ + entry.bytes > limits_.bytes) drop_oldest();
  bytes_ += entry.bytes;
  entries_.push_back(std::move(entry));
  by_id_.emplace(entries_.back().id, std::prev(entries_.end()));
}

std::shared_ptr<const StoredResponse> ResponseStore::find(std::string_view user, std::string_view id, Time now) {
  const std::lock_guard lock(mutex_);
  drop_expired(now);
  const auto found = by_id_.find(std::string(id));
  if (found == by_id_.end() || found->second->user != user) return nullptr;
  return found->second->response;
}

std::int64_t ResponseStore::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

std::size_t ResponseStore::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

void ResponseStore::drop_oldest() {
  bytes_ -= entries_.front().bytes;
  by_id_.erase(entries_.front().id);
  entries_.pop_front();
}

void ResponseStore::drop_expired(Time now) {
  while (!entries_.empty() && entries_.front().until <= now) drop_oldest();
}

}  // namespace fathom::api
