#include "fathom/api/json_object.h"

#include <fmt/format.h>

#include <cmath>

#include "fathom/chat/json_number.h"
#include "fathom/chat/json_text.h"

namespace fathom::api {

void JsonObject::key(std::string_view key) {
  if (body_.size() > 1) body_ += ',';
  append_json_string(body_, key);
  body_ += ':';
}

JsonObject& JsonObject::text(std::string_view name, std::string_view value) {
  key(name);
  append_json_string(body_, value);
  return *this;
}

JsonObject& JsonObject::number(std::string_view name, std::int64_t value) {
  return json(name, fmt::format("{}", value));
}

JsonObject& JsonObject::real(std::string_view name, double value) {
  return std::isfinite(value) ? json(name, python_float(value)) : null(name);
}

JsonObject& JsonObject::truth(std::string_view name, bool value) { return json(name, value ? "true" : "false"); }

JsonObject& JsonObject::null(std::string_view name) { return json(name, "null"); }

JsonObject& JsonObject::json(std::string_view name, std::string_view value) {
  key(name);
  body_ += value;
  return *this;
}

JsonObject& JsonObject::members(std::string_view more) {
  if (!more.empty() && body_.size() > 1) body_ += ',';
  body_ += more;
  return *this;
}

JsonArray& JsonArray::add(std::string_view json) {
  if (body_.size() > 1) body_ += ',';
  body_ += json;
  return *this;
}

}  // namespace fathom::api
