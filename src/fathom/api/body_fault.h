// What is wrong with a body, in the words of the hosted API, which is written in Rust: axum's openings, serde's faults,
// serde_json's places. Clients and their users search for these texts.
#pragma once

#include <string_view>

#include "fathom/api/api_error.h"
#include "fathom/chat/json_field.h"
#include "fathom/chat/json_reader.h"

namespace fathom::api {

// "Failed to parse the request body as JSON: expected value at line 1 column 5".
ApiError no_json(std::string_view body, const JsonReader::Fault& fault);

// "Failed to deserialize the JSON body into the target type: messages[1].role: unknown variant `developer`, expected
// one of `system`, `user` at line 1 column 51036". Lines and columns count from 1, columns in bytes, to the value's
// last byte; to the one before an array or object of the wrong kind.
ApiError no_request(std::string_view body, const JsonMismatch& mismatch);

// A number that no double holds: "... as JSON: number out of range at line 1 column 17".
ApiError no_number(std::string_view body, const JsonValue& number);

}  // namespace fathom::api
