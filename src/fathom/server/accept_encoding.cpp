#include "fathom/server/accept_encoding.h"

#include <optional>

#include "fathom/server/http_message.h"

namespace fathom::server {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// The part before `mark`, which goes from `text` together with the mark.
std::string_view take_until(std::string_view& text, char mark) {
  const std::size_t end = text.find(mark);
  const std::string_view part = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return trimmed(part);
}

// "q=0", "q=0.000": not this one.
bool is_refused(std::string_view parameters) {
  while (!parameters.empty()) {
    std::string_view parameter = take_until(parameters, ';');
    const std::string_view name = take_until(parameter, '=');
    if (equal_without_case(name, "q")) return trimmed(parameter).find_first_not_of("0.") == std::string_view::npos;
  }
  return false;
}

}  // namespace

bool accepts_gzip(std::string_view accepted) {
  std::optional<bool> by_name;
  std::optional<bool> by_star;
  while (!accepted.empty()) {
    std::string_view coding = take_until(accepted, ',');
    const std::string_view name = take_until(coding, ';');
    if (equal_without_case(name, "gzip") || equal_without_case(name, "x-gzip")) by_name = !is_refused(coding);
    if (name == "*") by_star = !is_refused(coding);
  }
  return by_name.value_or(by_star.value_or(false));
}

}  // namespace fathom::server
