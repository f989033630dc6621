#include "fathom/chat/arguments_writer.h"

#include "fathom/base/error.h"
#include "fathom/chat/json_text.h"

namespace fathom {

void ArgumentsWriter::begin_member(std::string_view name, std::string& out) {
  out += names_.empty() ? "{" : ", ";
  check(names_.emplace(name).second, "each argument is written once");
  append_json_string(out, name);
  out += ": ";
}

void ArgumentsWriter::add_json(std::string_view name, std::string_view json, std::string& out) {
  begin_member(name, out);
  out += json;
}

void ArgumentsWriter::add_string(std::string_view name, std::string_view text, std::string& out) {
  begin_string(name, out);
  append_string(text, out);
  end_string(out);
}

void ArgumentsWriter::begin_string(std::string_view name, std::string& out) {
  begin_member(name, out);
  out += '"';
}

void ArgumentsWriter::append_string(std::string_view piece, std::string& out) { append_json_characters(out, piece); }

void ArgumentsWriter::end_string(std::string& out) { out += '"'; }

void ArgumentsWriter::finish(std::string& out) const { out += names_.empty() ? "{}" : "}"; }

}  // namespace fathom
