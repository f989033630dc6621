#include "fathom/api/anthropic_user.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <optional>

#include "fathom/chat/json_text.h"

namespace fathom::api {
namespace {

std::string without_session(std::string_view user_id) {
  if (std::optional<JsonValue> json = try_read_json(user_id); json && json->is(JsonValue::Kind::object)) {
    std::erase_if(json->members, [](const JsonMember& member) { return member.key == "session_id"; });
    return write_json(*json);
  }
  return std::string(user_id.substr(0, user_id.find("_session_")));
}

}  // namespace

std::string anthropic_user(std::string_view user_id) {
  if (user_id.empty()) return {};
  const std::string user = without_session(user_id);
  const XXH128_hash_t hash = XXH3_128bits(user.data(), user.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace fathom::api
