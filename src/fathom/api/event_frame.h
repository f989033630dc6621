// Server-sent events with a name, as the Anthropic and the Responses surface stream them.
#pragma once

#include <string>
#include <string_view>

namespace fathom::api {

// "event: NAME", "data: JSON", an empty line. `json` holds no line break.
std::string event_frame(std::string_view name, std::string_view json);

}  // namespace fathom::api
