#include "fathom/chat/json_text.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>

#include "fathom/base/error.h"
#include "fathom/chat/json_reader.h"

namespace fathom {

const JsonValue* JsonValue::find(std::string_view key) const {
  for (const JsonMember& member : members)
    if (member.key == key) return &member.value;
  return nullptr;
}

bool JsonValue::truthy() const {
  switch (kind) {
    case Kind::null: return false;
    case Kind::boolean: return truth;
    case Kind::number: return text != "0" && text != "0.0" && text != "-0.0";
    case Kind::string: return !text.empty();
    case Kind::array: return !elements.empty();
    case Kind::object: return !members.empty();
  }
  return false;
}

std::string_view kind_name(JsonValue::Kind kind) {
  constexpr std::array<std::string_view, 6> names = {"null",     "true or false", "a number",
                                                     "a string", "an array",      "an object"};
  return names.at(static_cast<std::size_t>(kind));
}

JsonValue read_json(std::string_view text, std::string_view place) {
  try {
    return JsonReader(text, JsonReader::Dialect::python).read();
  } catch (const JsonReader::Fault& fault) {
    const JsonReader::Position position = JsonReader::position_of(text, fault.offset);
    throw InputError("[{}] line {}, column {}: found {}, expected {}", place, position.line, position.column,
                     fault.found, fault.expected);
  }
}

std::optional<JsonValue> try_read_json(std::string_view text) {
  try {
    return JsonReader(text, JsonReader::Dialect::python).read();
  } catch (const JsonReader::Fault&) {
    return std::nullopt;
  }
}

bool is_json(std::string_view text) {
  try {
    JsonReader(text, JsonReader::Dialect::rfc8259).read();
    return true;
  } catch (const JsonReader::Fault&) {
    return false;
  }
}

bool is_json_object(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\n\r");
  return first != std::string_view::npos && text[first] == '{' && is_json(text);
}

void append_json_characters(std::string& out, std::string_view text) {
  for (const char character : text) {
    switch (character) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\f': out += "\\f"; break;
      case '\b': out += "\\b"; break;
      default:
        if (static_cast<unsigned char>(character) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(character));
        } else {
          out += character;
        }
    }
  }
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_json_characters(out, text);
  out += '"';
}

void append_json(std::string& out, const JsonValue& value) {
  std::string_view between;
  switch (value.kind) {
    case JsonValue::Kind::null: out += "null"; break;
    case JsonValue::Kind::boolean: out += value.truth ? "true" : "false"; break;
    case JsonValue::Kind::number: out += value.text; break;
    case JsonValue::Kind::string: append_json_string(out, value.text); break;
    case JsonValue::Kind::array:
      out += '[';
      for (const JsonValue& element : value.elements) {
        out += between;
        append_json(out, element);
        between = ", ";
      }
      out += ']';
      break;
    case JsonValue::Kind::object:
      out += '{';
      for (const JsonMember& member : value.members) {
        out += between;
        append_json_string(out, member.key);
        out += ": ";
        append_json(out, member.value);
        between = ", ";
      }
      out += '}';
      break;
  }
}

std::string write_json(const JsonValue& value) {
  std::string out;
  append_json(out, value);
  return out;
}

}  // namespace fathom
