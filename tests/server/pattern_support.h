// The patterns of conversations: text with holes, and JSON whose strings have holes. tests/conversations/README.md has
// the language.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/chat/json_text.h"

namespace fathom::testing {

// What named holes were filled with.
using Bindings = std::map<std::string, std::string>;

// Empty when the text is as the pattern says; otherwise how it differs.
std::string match_text(std::string_view pattern, std::string_view text, Bindings& bindings);
std::string match_json(const JsonValue& pattern, const JsonValue& value, Bindings& bindings);
// JSON where the pattern is an object or array, text otherwise.
std::string match_value(std::string_view pattern, std::string_view text, Bindings& bindings);

// The lines of one server-sent event, or a comment.
using EventLines = std::vector<std::string>;
std::vector<EventLines> split_events(std::string_view body);
// A pattern's event may begin with "* " (none or more of them) or "+ " (one or more).
std::string match_events(std::string_view pattern, std::string_view body, Bindings& bindings);

// Replaces @{name} by what it is bound to.
std::string fill_in(std::string_view text, const Bindings& bindings);
// The string or number at "choices.0.delta.content"; none: empty.
std::string value_at(const JsonValue& value, std::string_view path);

}  // namespace fathom::testing
