// What an answer must be to count as right. tools/dialogues writes one beside each prompt of its test split:
//   {"kind": "contains", "expected": ["Lyon"]}
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/chat/answer.h"
#include "fathom/chat/json_field.h"

namespace fathom {

// "Holds" is whatever the case of ASCII letters, and by itself: a number does not count inside a longer one (5 in 15,
// in 5.2 or in -5), nor a single letter inside a word.
enum class CheckKind : std::uint8_t {
  exact,      // the content is this text, outer blanks aside
  any_of,     // it holds one of these texts
  contains,   // it holds each of these texts
  number,     // its last number is this one, by value: 8, 8.0 and 8.00 are one
  json,       // it is JSON and nothing else, equals this value and fits the schema, if there is one
  unknown,    // like any_of: the ways to say that one does not know
  tool_call,  // these tools are called with these arguments, in this order, and no others
  no_call,    // no tool is called
  asks,       // no tool is called, and the content asks back: it holds "?" or "tell"
  read        // nothing that a program could check: every answer passes
};
std::string_view name_of(CheckKind kind);

struct ExpectedCall {
  std::string name;
  JsonValue arguments;
};

struct Check {
  CheckKind kind = CheckKind::read;
  std::vector<std::string> texts;     // exact and number: one; any_of, contains, unknown
  JsonValue value;                    // json
  std::optional<JsonValue> schema;    // json
  std::vector<ExpectedCall> calls{};  // tool_call
};

// InputError names the place, what was found and what was expected.
Check read_check(const JsonField& check);

// The definition of the kinds; total, whatever bytes the answer holds.
bool passes(const Check& check, const Answer& answer);

// The content as one JSON value with only white space around it, by RFC 8259.
std::optional<JsonValue> json_content(const Answer& answer);

}  // namespace fathom
