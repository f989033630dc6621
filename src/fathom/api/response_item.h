// One item of a response's output, and how it looks as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fathom/api/call.h"

namespace fathom::api {

enum class ItemKind : std::uint8_t { reasoning, message, function_call, custom_call };
enum class ItemStatus : std::uint8_t { in_progress, completed, incomplete };

struct ResponseItem {
  ItemKind kind = ItemKind::message;
  std::string id = {};
  std::string text = {};        // reasoning, message, arguments or input
  std::string call_id = {};     // of calls
  std::string name = {};        // of calls, as the client knows it
  std::string name_space = {};  // of calls; empty: none
  std::string logprobs = {};    // of a message: JSON array, or empty when none were asked for
};

// "rs_...", "msg_...", "fc_...", "ctc_...": the kind, the response and the item's place in it.
std::string item_id(ItemKind kind, std::string_view response_id, std::int64_t output_index);

// The item; in_progress: as it is announced, without its text.
std::string item_json(const ResponseItem& item, ItemStatus status);
// The one part of a reasoning or message item; `with_text` false: as it is announced.
std::string part_json(const ResponseItem& item, bool with_text);

// The text that a custom tool gets, out of the arguments of its call: their "input", or the only string among them, or
// the arguments as they are.
std::string custom_input(std::string_view arguments);

}  // namespace fathom::api
