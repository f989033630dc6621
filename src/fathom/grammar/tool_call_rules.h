// A block of DSML tool calls as rules: the tags as the chat encoding writes them, and each value as its schema has it.
#pragma once

#include <span>
#include <string>

#include "fathom/grammar/json_rules.h"

namespace fathom::grammar {

struct ConstraintTool {
  std::string name;
  std::string parameters;  // JSON schema of an object
  bool strict = false;     // obey it; otherwise parameters of any name with any values
};

struct ToolCallRules {
  State block = 0;        // from <｜DSML｜tool_calls> on, behind up to two line breaks
  State behind_mark = 0;  // the same, where <｜DSML｜ has come already
};

// `one`: a single call. InputError names the tool and the place in its schema.
ToolCallRules add_tool_call_rules(Automaton& automaton, const JsonRules& rules, std::span<const ConstraintTool> tools,
                                  bool one);

}  // namespace fathom::grammar
