// The attributes of a DSML tag: ` name="get_weather">` of an invoke, ` name="city" string="true">` of a parameter.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fathom {

struct DsmlHead {
  enum class State { waiting, read, broken };
  State state = State::waiting;  // broken: no '>' within reason
  std::size_t length = 0;        // of the head in the text, its '>' included; of the part to skip if broken
  std::string name;
  bool has_name = false;
  std::optional<bool> string_flag;  // of string="true|false"
  bool malformed = false;           // anything but the released encoder's spelling
};

enum class DsmlTag { invoke, parameter };

// `text` begins right after the tag's word. A name may hold quotes and '>' as long as no attribute or '>' follows the
// quote; a tool's name holds no line break, a parameter's may. Whatever the text's later bytes are, a head once read
// stays the same.
DsmlHead read_dsml_head(std::string_view text, DsmlTag tag);

}  // namespace fathom
