// The part of JSON schema that tools and JSON answers of the evaluation use: type (a name or several), enum, items,
// properties, required. An object with `properties` holds no others. Every other key of a schema says nothing here.
#pragma once

#include "fathom/chat/json_text.h"

namespace fathom {

// "integer" wants a number written without point and exponent.
bool fits_schema(const JsonValue& value, const JsonValue& schema);

}  // namespace fathom
