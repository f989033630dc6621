// A call's arguments as JSON text that only ever grows: what was written is never taken back, and finish() makes it one
// object. Spacing and escapes are json.dumps' (json_text.h).
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace fathom {

class ArgumentsWriter {
 public:
  bool has(std::string_view name) const { return names_.count(std::string(name)) > 0; }
  bool empty() const { return names_.empty(); }

  // Each appends to `out` what it adds to the text. Every name comes once.
  void add_json(std::string_view name, std::string_view json, std::string& out);
  void add_string(std::string_view name, std::string_view text, std::string& out);
  // A string in pieces; each piece is whole characters.
  void begin_string(std::string_view name, std::string& out);
  static void append_string(std::string_view piece, std::string& out);
  static void end_string(std::string& out);
  // "}", or "{}" if nothing was added.
  void finish(std::string& out) const;

 private:
  void begin_member(std::string_view name, std::string& out);

  std::set<std::string> names_;
};

}  // namespace fathom
