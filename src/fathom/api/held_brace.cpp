#include "fathom/api/held_brace.h"

namespace fathom::api {

std::string HeldBrace::pass(std::string_view text) {
  if (text.empty()) return {};
  std::string out = held_ ? "}" : "";
  held_ = text.back() == '}';
  out += held_ ? text.substr(0, text.size() - 1) : text;
  return out;
}

std::string HeldBrace::end(bool complete) {
  const bool left = held_ && complete;
  held_ = false;
  return left ? "}" : "";
}

}  // namespace fathom::api
