// Who asks, out of Anthropic's metadata.user_id (api.md 6.2).
#pragma once

#include <string>
#include <string_view>

namespace fathom::api {

// The same for all sessions of one user, never longer than 64 bytes. Claude Code sends {"device_id", "account_uuid",
// "session_id"} as text, before that user_..._account_..._session_...; whatever it is, it is never refused. Empty stays
// empty.
std::string anthropic_user(std::string_view user_id);

}  // namespace fathom::api
