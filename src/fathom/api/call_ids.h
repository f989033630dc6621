// The ids under which an answer's calls are known.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fathom::api {

// "call_00_" and 24 letters and digits, as the hosted API's; the same for the same answer and place.
std::string call_id(std::string_view answer_id, std::int64_t call);

}  // namespace fathom::api
