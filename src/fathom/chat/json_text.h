// JSON the way Python's json.loads and json.dumps(ensure_ascii=False) read and write it, because the prompt encoding is
// defined by them: ", " and ": " between items, members in order of first appearance with the last value of a repeated
// key, integers of any size, floats by their repr, NaN and Infinity.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fathom {

struct JsonMember;

// Bytes [begin, end) of the text that a value was read from.
struct JsonStretch {
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct JsonValue {
  enum class Kind { null, boolean, number, string, array, object };
  Kind kind = Kind::null;
  bool truth = false;               // of a boolean
  std::string text;                 // a string's characters in UTF-8, or a number as Python writes it
  std::vector<JsonValue> elements;  // of an array
  std::vector<JsonMember> members;  // of an object, no key twice
  JsonStretch source;               // of a value that was read

  bool is(Kind wanted) const { return kind == wanted; }
  // The member of that name, or nullptr; nullptr too for anything but an object.
  const JsonValue* find(std::string_view key) const;
  // Python's bool(value): null, false, zero and everything empty are false.
  bool truthy() const;
};

struct JsonMember {
  std::string key;
  JsonValue value;
};

// "null", "true or false", "a number" ...
std::string_view kind_name(JsonValue::Kind kind);

// `text` is UTF-8; a \u escape of half a surrogate pair becomes U+FFFD. Nesting goes to 990 levels (Python's own limit
// is near 995). InputError: "[place] line 3, column 7: found ..., expected ...".
JsonValue read_json(std::string_view text, std::string_view place);
// The same, with nothing for an error.
std::optional<JsonValue> try_read_json(std::string_view text);
// RFC 8259 to the letter: NaN and Infinity, which Python accepts, are not JSON here.
bool is_json(std::string_view text);
bool is_json_object(std::string_view text);

std::string write_json(const JsonValue& value);
void append_json(std::string& out, const JsonValue& value);
// "text" in quotes; the second leaves the quotes out, so that a string can be written in pieces.
void append_json_string(std::string& out, std::string_view text);
void append_json_characters(std::string& out, std::string_view text);

}  // namespace fathom
