#include "fathom/evaluation/check.h"

#include <algorithm>
#include <array>
#include <utility>

#include "fathom/chat/json_equality.h"
#include "fathom/evaluation/json_schema.h"

namespace fathom {
namespace {

using Kind = JsonValue::Kind;

constexpr std::array<std::pair<std::string_view, CheckKind>, 10> kKinds = {{{"exact", CheckKind::exact},
                                                                            {"any_of", CheckKind::any_of},
                                                                            {"contains", CheckKind::contains},
                                                                            {"number", CheckKind::number},
                                                                            {"json", CheckKind::json},
                                                                            {"unknown", CheckKind::unknown},
                                                                            {"tool_call", CheckKind::tool_call},
                                                                            {"no_call", CheckKind::no_call},
                                                                            {"asks", CheckKind::asks},
                                                                            {"read", CheckKind::read}}};
constexpr std::string_view kBlanks = " \t\n\r\v\f";

bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }
bool is_letter(char byte) { return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'); }

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& byte : result)
    if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte - 'A' + 'a');
  return result;
}

// A text, or a number as it would be said.
std::string read_text(const JsonField& field) {
  if (!field.is(Kind::string) && !field.is(Kind::number)) field.fail("a text or a number");
  return field.value().text;
}

std::vector<std::string> read_texts(const JsonField& field) {
  field.expect(Kind::array);
  std::vector<std::string> texts;
  for (const JsonField& element : field.elements()) texts.push_back(read_text(element));
  if (texts.empty()) field.fail("one text or more");
  return texts;
}

std::string read_number(const JsonField& field) {
  std::string text = read_text(field);
  if (!same_number(text, text)) field.fail("a number");
  return text;
}

std::vector<ExpectedCall> read_calls(const JsonField& field) {
  field.expect(Kind::array);
  std::vector<ExpectedCall> calls;
  for (const JsonField& element : field.elements()) {
    element.expect(Kind::object);
    element.member("name").expect(Kind::string);
    element.member("arguments").expect(Kind::object);
    calls.push_back({element.member("name").value().text, element.member("arguments").value()});
  }
  return calls;
}

// A hyphen between two words or numbers is no sign.
bool has_sign(std::string_view text, std::size_t number) {
  if (number == 0 || text[number - 1] != '-') return false;
  return number == 1 || !(is_digit(text[number - 2]) || is_letter(text[number - 2]));
}

// The last run of digits with its fraction and its sign.
std::string_view last_number(std::string_view text) {
  std::size_t end = text.find_last_of("0123456789");
  if (end == std::string_view::npos) return {};
  ++end;
  std::size_t begin = end;
  while (begin > 0 && is_digit(text[begin - 1])) --begin;
  if (begin > 1 && text[begin - 1] == '.' && is_digit(text[begin - 2])) {
    --begin;
    while (begin > 0 && is_digit(text[begin - 1])) --begin;
  }
  if (has_sign(text, begin)) --begin;
  return text.substr(begin, end - begin);
}

// Whether what lies at [begin, end) is not the part of a longer number or, a single letter, of a word.
bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  const auto at = [&](std::size_t place) { return place < text.size() ? text[place] : ' '; };  // also before 0
  if (is_digit(text[begin]) &&
      (is_digit(at(begin - 1)) || (at(begin - 1) == '.' && is_digit(at(begin - 2))) || has_sign(text, begin)))
    return false;
  if (is_digit(text[end - 1]) && (is_digit(at(end)) || (at(end) == '.' && is_digit(at(end + 1))))) return false;
  const auto in_word = [&](std::size_t place) {
    return is_letter(at(place)) || static_cast<unsigned char>(at(place)) >= 0x80;
  };
  return end - begin > 1 || !is_letter(text[begin]) || !(in_word(begin - 1) || in_word(end));
}

// Both in lower case.
bool holds(std::string_view said, std::string_view text) {
  if (text.empty()) return true;
  for (std::size_t at = said.find(text); at != std::string_view::npos; at = said.find(text, at + 1))
    if (stands_alone(said, at, at + text.size())) return true;
  return false;
}

bool calls_are(const std::vector<AnswerCall>& found, const std::vector<ExpectedCall>& expected) {
  return std::equal(found.begin(), found.end(), expected.begin(), expected.end(),
                    [](const AnswerCall& call, const ExpectedCall& wanted) {
                      const auto arguments = try_read_json(call.arguments);
                      return call.complete && call.name == wanted.name && arguments &&
                             same_json(*arguments, wanted.arguments);
                    });
}

}  // namespace

std::string_view name_of(CheckKind kind) {
  for (const auto& [name, value] : kKinds)
    if (value == kind) return name;
  return "?";
}

Check read_check(const JsonField& field) {
  field.expect(Kind::object);
  Check check;
  check.kind = field.member("kind").one_of<CheckKind>(kKinds);
  const JsonField expected = field.member("expected");
  switch (check.kind) {
    case CheckKind::exact: check.texts = {read_text(expected)}; break;
    case CheckKind::number: check.texts = {read_number(expected)}; break;
    case CheckKind::any_of:
    case CheckKind::contains:
    case CheckKind::unknown: check.texts = read_texts(expected); break;
    case CheckKind::json:
      if (expected.is_absent()) expected.fail("a JSON value");
      check.value = expected.value();
      if (const JsonField schema = field.member("schema"); !schema.is_none()) {
        schema.expect(Kind::object);
        check.schema = schema.value();
      }
      break;
    case CheckKind::tool_call: check.calls = read_calls(expected); break;
    case CheckKind::no_call:
    case CheckKind::asks:
    case CheckKind::read: break;
  }
  return check;
}

std::optional<JsonValue> json_content(const Answer& answer) {
  return is_json(answer.content) ? try_read_json(answer.content) : std::nullopt;
}

bool passes(const Check& check, const Answer& answer) {
  const std::string said = lower(answer.content);
  const auto is_held = [&](const std::string& text) { return holds(said, lower(text)); };
  switch (check.kind) {
    case CheckKind::exact: return trimmed(answer.content) == trimmed(check.texts.front());
    case CheckKind::any_of:
    case CheckKind::unknown: return std::any_of(check.texts.begin(), check.texts.end(), is_held);
    case CheckKind::contains: return std::all_of(check.texts.begin(), check.texts.end(), is_held);
    case CheckKind::number: return same_number(last_number(answer.content), check.texts.front());
    case CheckKind::json: {
      const auto value = json_content(answer);
      return value && same_json(*value, check.value) && (!check.schema || fits_schema(*value, *check.schema));
    }
    case CheckKind::tool_call: return calls_are(answer.calls, check.calls);
    case CheckKind::no_call: return answer.calls.empty();
    case CheckKind::asks:
      return answer.calls.empty() && !trimmed(answer.content).empty() &&
             (is_held("tell") || answer.content.find('?') != std::string::npos);
    case CheckKind::read: return true;
  }
  return false;
}

}  // namespace fathom
