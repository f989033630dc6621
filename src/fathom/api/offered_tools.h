// The tools of a request, whatever its surface calls their fields: as the prompt shows them, as their arguments must
// be.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/api/call.h"
#include "fathom/chat/json_text.h"

namespace fathom::api {

struct OfferedTools {
  std::vector<Tool> prompt;           // {"name": ..., "description": ..., "parameters": ...}
  std::vector<ToolSchema> schemas;    // the same tools, place by place
  std::vector<std::string> left_out;  // names of tools that the client wants the server to run

  bool has(std::string_view name) const;
};

struct ToolOffer {
  std::string place = {};  // for errors: "tools[3]"
  std::string name = {};
  std::optional<std::string> description = {};
  const JsonValue* parameters = nullptr;  // a JSON schema; null: none given
  bool strict = false;
};

// ApiError for a name that is not [a-zA-Z0-9_.-]{1,128}: it stands in quotes in the prompt. The schema can be added to.
ToolSchema& offer_tool(OfferedTools& tools, const ToolOffer& offer);

// Hangs the tools on the system message in front, which is put there if there is none and something to say.
void put_system_message(std::vector<ChatMessage>& messages, std::string text, std::vector<Tool> tools,
                        std::optional<std::string> response_format);

}  // namespace fathom::api
