#include "fathom/evaluation/score_lines.h"

#include "fathom/base/error.h"

namespace fathom {
namespace {

using Kind = JsonValue::Kind;

AnswerCall read_call(const JsonField& call) {
  call.expect(Kind::object);
  const JsonField function = call.member("function");
  function.expect(Kind::object);
  const JsonField name = function.member("name");
  name.expect(Kind::string);
  const JsonField arguments = function.member("arguments");
  arguments.expect(Kind::string);
  return {.name = name.value().text, .arguments = arguments.value().text};
}

}  // namespace

Answer read_answer(const JsonField& message) {
  message.expect(Kind::object);
  Answer answer;
  answer.content = message.member("content").text_or_none().value_or("");
  answer.reasoning_content = message.member("reasoning_content").text_or_none().value_or("");
  if (const JsonField calls = message.member("tool_calls"); !calls.is_none()) {
    calls.expect(Kind::array);
    for (const JsonField& call : calls.elements()) answer.calls.push_back(read_call(call));
  }
  return answer;
}

std::string score_line(std::string_view json, std::string_view place) {
  const JsonValue line = read_json(json, place);
  try {
    const JsonField root(&line, "");
    root.expect(Kind::object);
    const Check check = read_check(root.member("check"));
    return passes(check, read_answer(root.member("message"))) ? "{\"passes\": true}" : "{\"passes\": false}";
  } catch (const InputError& error) {
    throw InputError("[evaluation] {}: {}", place, error.what());
  }
}

}  // namespace fathom
