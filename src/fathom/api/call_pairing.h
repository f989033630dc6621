// Calls and their results belong together: every call of an assistant turn is answered before the next one begins, and
// nothing answers a call that was not made.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "fathom/chat/message.h"

namespace fathom::api {

struct UnpairedCall {
  enum class Fault : std::uint8_t { no_result, no_call };
  Fault fault = Fault::no_result;
  std::string id;
};

// Where the results of a turn's calls may stand: anywhere before the assistant's next turn, or before anybody's.
enum class ResultPlace : std::uint8_t { before_next_answer, right_behind };

// The first that is alone, or nothing.
std::optional<UnpairedCall> find_unpaired_call(std::span<const ChatMessage> messages,
                                               ResultPlace place = ResultPlace::before_next_answer);

}  // namespace fathom::api
