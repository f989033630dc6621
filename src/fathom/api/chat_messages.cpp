#include "fathom/api/chat_messages.h"

#include <array>
#include <utility>

#include "fathom/api/call_pairing.h"
#include "fathom/api/hosted_errors.h"
#include "fathom/chat/message_json.h"

namespace fathom::api {
namespace {

using Kind = JsonValue::Kind;

Role read_role(const JsonField& role, const Policy& policy) {
  constexpr std::array<std::pair<std::string_view, Role>, 5> roles = {{{"system", Role::system},
                                                                       {"user", Role::user},
                                                                       {"assistant", Role::assistant},
                                                                       {"tool", Role::tool},
                                                                       {"latest_reminder", Role::latest_reminder}}};
  if (!policy.strict_hosted && role.is(Kind::string) && role.value().text == "developer") return Role::system;
  return role.one_of<Role>(roles);
}

void check_message(const JsonField& field, const ChatMessage& message) {
  if (message.role != Role::assistant) {
    if (field.member("content").is_absent()) field.member("content").fail("a string");
    if (message.role == Role::tool) field.member("tool_call_id").expect(Kind::string);
    return;
  }
  if (!message.content && message.tool_calls.empty()) throw no_content();
  if (!message.tool_calls.empty())
    for (const JsonField& call : field.member("tool_calls").elements()) call.member("id").expect(Kind::string);
}

void check_results(const std::vector<ChatMessage>& messages) {
  const std::optional<UnpairedCall> alone = find_unpaired_call(messages, ResultPlace::right_behind);
  if (alone && alone->fault == UnpairedCall::Fault::no_result) throw no_tool_results();
  if (alone) throw no_tool_calls();
}

void settle_end(const JsonField& last, bool beta, ChatMessage& message) {
  if (message.role != Role::assistant) return;
  const JsonField prefix = last.member("prefix");
  if (!prefix.truth_or(false)) throw no_last_turn();
  if (!beta) throw no_beta(prefix.place());
  message.open_end = true;
}

void fold_system_messages(std::vector<ChatMessage>& messages) {
  bool in_front = true;
  for (ChatMessage& message : messages) {
    in_front = in_front && message.role == Role::system && &message != &messages.back();
    if (!in_front && message.role == Role::system) message.role = Role::user;
  }
}

}  // namespace

std::vector<ChatMessage> read_chat_messages(const JsonField& messages, const Policy& policy, bool beta) {
  messages.expect(Kind::array);
  const std::vector<JsonField> list = messages.elements();
  if (list.empty()) throw no_messages();
  std::vector<ChatMessage> read;
  read.reserve(list.size());
  for (const JsonField& field : list) {
    field.expect(Kind::object);
    read.push_back(read_message(field, read_role(field.member("role"), policy)));
    check_message(field, read.back());
  }
  check_results(read);
  settle_end(list.back(), beta, read.back());
  fold_system_messages(read);
  return read;
}

}  // namespace fathom::api
