// A request's body as fields, and its faults in the hosted API's words.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/chat/json_field.h"
#include "fathom/chat/json_text.h"

namespace fathom::api {

// Runs `read` on the body's object. What is wrong with it, as JSON or as a request, is an ApiError 400 (body_fault.h).
void read_body(std::string_view body, const std::function<void(const JsonField& request)>& read);

std::string required_text(const JsonField& field);
// None for null or nothing; ApiError 400 "Invalid NAME value, the valid range of NAME is [LOW, HIGH]".
std::optional<double> number_in(const JsonField& field, double low, double high);
std::optional<std::int64_t> integer_in(const JsonField& field, std::int64_t low, std::int64_t high);
std::vector<std::string> texts(const JsonField& field);  // an array of strings, or none

}  // namespace fathom::api
