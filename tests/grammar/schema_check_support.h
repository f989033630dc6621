// A validator of JSON schema that shares nothing with the compiler.
#pragma once

#include <string>

#include "fathom/chat/json_text.h"

namespace fathom::grammar {

// Why the value does not fit; empty if it does.
std::string misfit(const JsonValue& value, const JsonValue& schema, const JsonValue& root);

}  // namespace fathom::grammar
