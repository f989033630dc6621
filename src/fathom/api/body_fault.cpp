#include "fathom/api/body_fault.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace fathom::api {
namespace {

using Kind = JsonValue::Kind;

ApiError bad_request(const std::string& message) { return {400, "invalid_request_error", message}; }

// "at line L column C", where serde_json has read `read` bytes.
std::string place_after(std::string_view body, std::size_t read) {
  const JsonReader::Position next = JsonReader::position_of(body, std::min(read, body.size()));
  return fmt::format("at line {} column {}", next.line, next.column - 1);
}

ApiError unreadable(std::string_view body, std::string_view why, std::size_t read) {
  return bad_request(fmt::format("Failed to parse the request body as JSON: {} {}", why, place_after(body, read)));
}

std::string_view shortened(std::string_view text) { return text_start(text, 64); }

// What serde says of what JsonReader expected: within the text, and where the text ended too early.
struct SyntaxWords {
  std::string_view expected;
  std::string_view fault;
  std::string_view at_end;
};
constexpr std::array<SyntaxWords, 12> kSyntax = {
    {{"a value", "expected value", "EOF while parsing a value"},
     {"the end", "trailing characters", "trailing characters"},
     {"a digit", "invalid number", "EOF while parsing a value"},
     {"',' or ']'", "expected `,` or `]`", "EOF while parsing a list"},
     {"',' or '}'", "expected `,` or `}`", "EOF while parsing an object"},
     {"a key in double quotes", "key must be a string", "EOF while parsing an object"},
     {"':'", "expected `:`", "EOF while parsing an object"},
     {"the string's closing quote", "EOF while parsing a string", "EOF while parsing a string"},
     {"the rest of an escape", "EOF while parsing a string", "EOF while parsing a string"},
     {"a hexadecimal digit", "invalid escape", "EOF while parsing a string"},
     {"UTF-8", "invalid unicode code point", "EOF while parsing a string"},
     {"at most 990 levels of nesting", "recursion limit exceeded", "recursion limit exceeded"}}};

std::string_view syntax_words(std::string_view expected, bool at_end) {
  for (const SyntaxWords& words : kSyntax)
    if (words.expected == expected) return at_end ? words.at_end : words.fault;
  if (expected.starts_with("an escape")) return "control character (\\u0000-\\u001F) found while parsing a string";
  return "invalid escape";
}

std::string found_words(const JsonValue& found) {
  switch (found.kind) {
    case Kind::null: return "null";
    case Kind::boolean: return found.truth ? "boolean `true`" : "boolean `false`";
    case Kind::number: {
      const bool whole = found.text.find_first_of(".eIN") == std::string::npos;
      return fmt::format("{} `{}`", whole ? "integer" : "floating point", shortened(found.text));
    }
    case Kind::string: {
      std::string quoted = "string ";
      append_json_string(quoted, shortened(found.text));
      return quoted;
    }
    case Kind::array: return "sequence";
    case Kind::object: return "map";
  }
  return {};
}

std::string expected_words(const std::string& expected) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> rust = {
      {{"true or false", "a boolean"}, {"an array", "a sequence"}, {"an object", "a map"}}};
  for (const auto& [ours, theirs] : rust)
    if (expected == ours) return std::string(theirs);
  return expected;
}

std::string variants(const std::vector<std::string_view>& names) {
  if (names.size() == 1) return fmt::format("`{}`", names[0]);
  if (names.size() == 2) return fmt::format("`{}` or `{}`", names[0], names[1]);
  return fmt::format("one of `{}`", fmt::join(names, "`, `"));
}

}  // namespace

ApiError no_json(std::string_view body, const JsonReader::Fault& fault) {
  const bool at_end = fault.offset >= body.size();
  return unreadable(body, syntax_words(fault.expected, at_end), fault.offset + 1);
}

ApiError no_number(std::string_view body, const JsonValue& number) {
  return unreadable(body, "number out of range", number.source.end);
}

ApiError no_request(std::string_view body, const JsonMismatch& mismatch) {
  const JsonStretch& source = mismatch.found.source;
  std::string place = mismatch.place;
  std::string why;
  bool whole = true;  // the value was read before it was found wrong
  if (mismatch.absent) {
    const std::size_t dot = place.rfind('.');
    why = fmt::format("missing field `{}`", dot == std::string::npos ? place : place.substr(dot + 1));
    place.erase(dot == std::string::npos ? 0 : dot);
  } else if (!mismatch.names.empty() && mismatch.found.is(Kind::string)) {
    why = fmt::format("unknown variant `{}`, expected {}", shortened(mismatch.found.text), variants(mismatch.names));
  } else {
    why = fmt::format("invalid type: {}, expected {}", found_words(mismatch.found),
                      mismatch.names.empty() ? expected_words(mismatch.expected) : variants(mismatch.names));
    whole = !mismatch.found.is(Kind::array) && !mismatch.found.is(Kind::object);
  }
  if (!place.empty()) place += ": ";
  return bad_request(fmt::format("Failed to deserialize the JSON body into the target type: {}{} {}", place, why,
                                 place_after(body, whole ? source.end : source.begin)));
}

}  // namespace fathom::api
