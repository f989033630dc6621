// The tools of the Responses surface (api.md 7): functions, functions in namespaces, and the one custom tool.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/api/call.h"
#include "fathom/api/offered_tools.h"
#include "fathom/chat/json_field.h"
#include "fathom/chat/json_text.h"

namespace fathom::api {

class ResponsesTools {
 public:
  // An array of tools. What the server would have to run (web_search) is left out; ApiError for a custom tool that is
  // not apply_patch. Of tools with one name and namespace the first counts.
  void add(const JsonField& tools);

  // The model knows a function of a namespace by its own name, where that is the only one of its kind, else as
  // NAMESPACE__NAME. A name that no tool has stays as it is.
  std::string shown_name(std::string_view name_space, std::string_view name) const;

  OfferedTools offer() const;

 private:
  struct Listed {
    std::string name_space;
    ToolOffer offer;  // without its parameters
    std::optional<JsonValue> parameters;
    bool custom = false;
  };

  void add_tool(const JsonField& tool, std::string_view name_space);
  void list(Listed listed);

  std::vector<Listed> listed_;
  std::map<std::string, int> shared_;  // how many tools have that name
  std::vector<std::string> left_out_;
};

ToolChoice read_responses_choice(const JsonField& choice, const ResponsesTools& names, const OfferedTools& tools);

// The schema of apply_patch: its text is the one parameter "input", of which the grammar is told if there is one.
JsonValue custom_tool_schema(std::string_view grammar);

}  // namespace fathom::api
