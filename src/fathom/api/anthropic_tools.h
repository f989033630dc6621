// Anthropic's tools and tool choice (api.md 6.1).
#pragma once

#include "fathom/api/call.h"
#include "fathom/api/offered_tools.h"
#include "fathom/chat/json_field.h"

namespace fathom::api {

// Tools that stand behind a search (defer_loading) are offered like any other: no search happens here.
OfferedTools read_anthropic_tools(const JsonField& tools);

// A choice that only a tool that was left out could satisfy is left to the model; ApiError for a name nobody knows.
ToolChoice read_anthropic_choice(const JsonField& choice, const OfferedTools& tools);

}  // namespace fathom::api
