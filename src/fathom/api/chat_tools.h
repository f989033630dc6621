// Tools, tool choice and response format of the chat surface (api.md 4.1, 4.4, 4.5).
#pragma once

#include <string>
#include <vector>

#include "fathom/api/call.h"
#include "fathom/api/policy.h"
#include "fathom/chat/json_field.h"

namespace fathom::api {

struct ChatTools {
  std::vector<Tool> prompt;         // the function objects, as the client wrote them
  std::vector<ToolSchema> schemas;  // the same tools, place by place
};

// At most 128 functions with names of their own, [a-zA-Z0-9_-]{1,64}.
ChatTools read_chat_tools(const JsonField& tools);

// Absent: automatic, or none where no tools are offered.
ToolChoice read_chat_choice(const JsonField& choice, const ChatTools& tools);

// json_schema is beyond the hosted API.
ResponseFormat read_chat_format(const JsonField& format, const Policy& policy);

}  // namespace fathom::api
