#include "tests/server/pattern_support.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <stdexcept>

namespace fathom::testing {
namespace {

bool is_hex(char letter) { return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f'); }
bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

bool is_call_id(std::string_view text) {
  return text.size() == 32 && text.starts_with("call_") && is_digit(text[5]) && is_digit(text[6]) && text[7] == '_' &&
         std::all_of(text.begin() + 8, text.end(), [](unsigned char letter) { return std::isalnum(letter) != 0; });
}

bool is_number(std::string_view text, bool integer) {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char letter) {
    return is_digit(letter) || (!integer && std::string_view(".eE+-").find(letter) != std::string_view::npos);
  });
}

bool fits(std::string_view kind, std::string_view text) {
  if (kind == "uuid") return is_uuid(text);
  if (kind == "call_id") return is_call_id(text);
  if (kind == "int") return is_number(text, true);
  if (kind == "number") return is_number(text, false);
  if (kind == "hex32") return text.size() == 32 && std::all_of(text.begin(), text.end(), is_hex);
  if (kind == "word") return !text.empty() && text.find_first_of(" \n\"") == std::string_view::npos;
  if (kind == "text") return text.find('\n') == std::string_view::npos;
  if (kind == "any") return true;
  throw std::runtime_error(fmt::format("no kind of hole: {}", kind));
}

struct Hole {
  std::string name;
  std::string kind;
};

// "@{kind}", "@{name=kind}" or "@{name}" that is bound.
Hole hole_of(std::string_view inside, const Bindings& bindings) {
  const std::size_t equals = inside.find('=');
  if (equals != std::string_view::npos)
    return {std::string(inside.substr(0, equals)), std::string(inside.substr(equals + 1))};
  if (bindings.contains(std::string(inside))) return {std::string(inside), {}};
  return {{}, std::string(inside)};
}

bool match_from(std::string_view pattern, std::string_view text, Bindings& bindings) {
  const std::size_t begin = pattern.find("@{");
  if (begin == std::string_view::npos) return pattern == text;
  if (text.substr(0, begin) != pattern.substr(0, begin)) return false;
  text.remove_prefix(begin);
  const std::size_t end = pattern.find('}', begin);
  if (end == std::string_view::npos) throw std::runtime_error(fmt::format("a hole does not end: {}", pattern));
  const Hole hole = hole_of(pattern.substr(begin + 2, end - begin - 2), bindings);
  const std::string_view rest = pattern.substr(end + 1);
  const auto bound = bindings.find(hole.name);
  if (!hole.name.empty() && bound != bindings.end())
    return text.starts_with(bound->second) && match_from(rest, text.substr(bound->second.size()), bindings);
  for (std::size_t size = 0; size <= text.size(); ++size) {
    if (!fits(hole.kind, text.substr(0, size))) continue;
    Bindings tried = bindings;
    if (!hole.name.empty()) tried[hole.name] = text.substr(0, size);
    if (!match_from(rest, text.substr(size), tried)) continue;
    bindings = std::move(tried);
    return true;
  }
  return false;
}

std::string match_object(const JsonValue& pattern, const JsonValue& value, Bindings& bindings) {
  const bool more = pattern.find("@{more}") != nullptr;
  for (const JsonMember& member : pattern.members) {
    if (member.key == "@{more}") continue;
    const JsonValue* found = value.find(member.key);
    if (found == nullptr) return fmt::format("has no \"{}\": {}", member.key, write_json(value));
    const std::string difference = match_json(member.value, *found, bindings);
    if (!difference.empty()) return fmt::format("{}: {}", member.key, difference);
  }
  for (const JsonMember& member : value.members)
    if (!more && pattern.find(member.key) == nullptr)
      return fmt::format("has \"{}\" too: {}", member.key, write_json(value));
  return {};
}

bool is_string(const JsonValue& value, std::string_view text) {
  return value.is(JsonValue::Kind::string) && value.text == text;
}

std::string match_array(const JsonValue& pattern, const JsonValue& value, Bindings& bindings) {
  std::size_t count = pattern.elements.size();
  const bool more = count > 0 && is_string(pattern.elements.back(), "@{more}");
  if (more) --count;
  if (more ? value.elements.size() < count : value.elements.size() != count)
    return fmt::format("has {} elements, expected {}: {}", value.elements.size(), count, write_json(value));
  for (std::size_t i = 0; i < count; ++i) {
    const std::string difference = match_json(pattern.elements[i], value.elements[i], bindings);
    if (!difference.empty()) return fmt::format("[{}]: {}", i, difference);
  }
  return {};
}

// "data: {...}" matches as JSON behind the colon.
std::string match_line(std::string_view pattern, std::string_view line, Bindings& bindings) {
  constexpr std::string_view kData = "data: ";
  if (pattern.starts_with(kData) && line.starts_with(kData))
    return match_value(pattern.substr(kData.size()), line.substr(kData.size()), bindings);
  return match_text(pattern, line, bindings);
}

std::string match_event(const EventLines& pattern, const EventLines& event, Bindings& bindings) {
  if (pattern.size() != event.size())
    return fmt::format("has {} lines, expected {}: {}", event.size(), pattern.size(), fmt::join(event, " | "));
  Bindings tried = bindings;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const std::string difference = match_line(pattern[i], event[i], tried);
    if (!difference.empty()) return difference;
  }
  bindings = std::move(tried);
  return {};
}

}  // namespace

std::string match_text(std::string_view pattern, std::string_view text, Bindings& bindings) {
  if (match_from(pattern, text, bindings)) return {};
  return fmt::format("expected\n  {}\nfound\n  {}", fill_in(pattern, bindings), text);
}

std::string match_json(const JsonValue& pattern, const JsonValue& value, Bindings& bindings) {
  using Kind = JsonValue::Kind;
  if (is_string(pattern, "@{any}")) return {};
  const bool holes = pattern.is(Kind::string) && pattern.text.find("@{") != std::string::npos;
  if (holes && (value.is(Kind::string) || value.is(Kind::number)))
    return match_text(pattern.text, value.text, bindings);
  if (pattern.kind != value.kind) return fmt::format("expected {}, found {}", write_json(pattern), write_json(value));
  if (pattern.is(Kind::object)) return match_object(pattern, value, bindings);
  if (pattern.is(Kind::array)) return match_array(pattern, value, bindings);
  if (write_json(pattern) == write_json(value)) return {};
  return fmt::format("expected {}, found {}", write_json(pattern), write_json(value));
}

std::string match_value(std::string_view pattern, std::string_view text, Bindings& bindings) {
  const auto wanted = try_read_json(pattern);
  if (!wanted || !(wanted->is(JsonValue::Kind::object) || wanted->is(JsonValue::Kind::array))) {
    if (pattern.starts_with('{')) throw std::runtime_error(fmt::format("the pattern is no JSON: {}", pattern));
    return match_text(pattern, text, bindings);
  }
  const auto value = try_read_json(text);
  if (!value) return fmt::format("found no JSON: {}", text);
  return match_json(*wanted, *value, bindings);
}

std::vector<EventLines> split_events(std::string_view body) {
  std::vector<EventLines> events(1);
  while (!body.empty()) {
    const std::size_t end = std::min(body.find('\n'), body.size());
    const std::string line(body.substr(0, end));
    body.remove_prefix(std::min(end + 1, body.size()));
    if (!line.empty()) {
      events.back().push_back(line);
    } else if (!events.back().empty()) {
      events.emplace_back();
    }
  }
  if (events.back().empty()) events.pop_back();
  return events;
}

std::string match_events(std::string_view pattern, std::string_view body, Bindings& bindings) {
  const std::vector<EventLines> events = split_events(body);
  std::size_t at = 0;
  for (EventLines expected : split_events(pattern)) {
    const bool any = expected.front().starts_with("* ");
    const bool some = expected.front().starts_with("+ ");
    if (any || some) expected.front().erase(0, 2);
    std::size_t count = 0;
    std::string difference;
    while (at < events.size() && (any || some || count == 0)) {
      difference = match_event(expected, events[at], bindings);
      if (!difference.empty()) break;
      ++at;
      ++count;
    }
    if (count > 0 || any) continue;
    if (at == events.size())
      return fmt::format("after {} events: nothing, expected {}", at, fmt::join(expected, " | "));
    return fmt::format("event {}: {}", at, difference);
  }
  if (at < events.size()) return fmt::format("event {}: {}, expected nothing", at, fmt::join(events[at], " | "));
  return {};
}

std::string fill_in(std::string_view text, const Bindings& bindings) {
  std::string out(text);
  for (const auto& [name, value] : bindings) {
    const std::string hole = fmt::format("@{{{}}}", name);
    for (std::size_t at = 0; (at = out.find(hole, at)) != std::string::npos; at += value.size())
      out.replace(at, hole.size(), value);
  }
  return out;
}

std::string value_at(const JsonValue& value, std::string_view path) {
  if (path.empty()) return value.text;
  const std::size_t dot = std::min(path.find('.'), path.size());
  const std::string_view key = path.substr(0, dot);
  const std::string_view rest = path.substr(std::min(dot + 1, path.size()));
  if (value.is(JsonValue::Kind::array)) {
    const std::size_t place = std::stoull(std::string(key));
    return place < value.elements.size() ? value_at(value.elements[place], rest) : std::string();
  }
  const JsonValue* found = value.find(key);
  return found == nullptr ? std::string() : value_at(*found, rest);
}

}  // namespace fathom::testing
