// The recursive-descent reader behind json_text.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fathom/chat/json_text.h"

namespace fathom {

class JsonReader {
 public:
  enum class Dialect { python, rfc8259 };

  // Thrown by read(): the byte where the text stopped being JSON, what stands there and what could have.
  struct Fault {
    std::size_t offset = 0;
    std::string found;
    std::string_view expected;
  };
  struct Position {
    std::int64_t line = 1;
    std::int64_t column = 1;  // in bytes
  };
  static Position position_of(std::string_view text, std::size_t offset);

  JsonReader(std::string_view text, Dialect dialect) : text_(text), dialect_(dialect) {}
  // One value and nothing after it but white space.
  JsonValue read();

 private:
  [[noreturn]] void fail(std::string_view expected) const;
  void skip_space();
  bool take(std::string_view word);
  JsonValue read_value();
  JsonValue read_any();
  JsonValue read_number();
  std::string read_string();
  char32_t read_escape();
  char32_t read_hex();
  void read_elements(JsonValue& array);
  void read_members(JsonValue& object);

  std::string_view text_;
  Dialect dialect_;
  std::size_t offset_ = 0;
  int depth_ = 0;
};

}  // namespace fathom
