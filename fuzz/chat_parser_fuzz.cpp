// Any bytes as a model's answer, cut anywhere: the same answer as uncut, deltas that make it up, arguments that are
// JSON. The first byte chooses the options, the second how the rest is cut.
#include <cstdint>
#include <random>
#include <string_view>

#include "fathom/base/error.h"
#include "fathom/chat/answer_parser.h"
#include "fathom/chat/json_text.h"
#include "fathom/tokenizer/utf8.h"

namespace {

using namespace fathom;  // NOLINT(google-build-using-namespace): one function

struct Result {
  Answer answer;
  Answer from_deltas;
};

void add(Answer& made, const AnswerDelta& delta) {
  check(utf8_lossy(delta.text) == delta.text, "every delta is whole characters");
  switch (delta.kind) {
    case AnswerDelta::Kind::reasoning: made.reasoning_content += delta.text; break;
    case AnswerDelta::Kind::content: made.content += delta.text; break;
    case AnswerDelta::Kind::call_start:
      check_equal(delta.call, static_cast<std::int64_t>(made.calls.size()), "calls are counted from 0");
      made.calls.push_back({.name = delta.text, .arguments = {}});
      break;
    case AnswerDelta::Kind::call_arguments:
      made.calls.at(static_cast<std::size_t>(delta.call)).arguments += delta.text;
      break;
    case AnswerDelta::Kind::call_end:
      made.calls.at(static_cast<std::size_t>(delta.call)).complete = delta.complete;
      break;
  }
}

Result parse(const AnswerOptions& options, std::string_view text, AnswerEnd end, std::uint8_t cutting) {
  Result result;
  AnswerParser parser(options);
  std::minstd_rand random(cutting);
  while (!text.empty()) {
    const std::size_t length = cutting == 0 ? text.size() : 1 + random() % (1 + cutting % 32U);
    for (const AnswerDelta& delta : parser.feed(text.substr(0, length))) add(result.from_deltas, delta);
    text.remove_prefix(std::min(length, text.size()));
  }
  for (const AnswerDelta& delta : parser.finish(end)) add(result.from_deltas, delta);
  result.answer = parser.answer();
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  AnswerOptions options;
  options.thinking_mode = (data[0] & 1) != 0 ? ThinkingMode::thinking : ThinkingMode::chat;
  options.tools_offered = (data[0] & 2) == 0;
  if ((data[0] & 4) != 0) options.tools = {{.name = "f", .parameters = {"city"}, .schema = "{}"}};
  const AnswerEnd end = (data[0] & 8) != 0 ? AnswerEnd::cut_off : AnswerEnd::stopped;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);

  const Result whole = parse(options, text, end, 0);
  const Result cut = parse(options, text, end, static_cast<std::uint8_t>(data[1] | 1));
  check_equal(write_answer(cut.answer), write_answer(whole.answer), "the answer however it is cut");
  check(cut.answer.calls == whole.answer.calls, "the calls however they are cut");
  check(cut.answer.faults == whole.answer.faults, "the faults however the answer is cut");
  check_equal(write_answer(cut.from_deltas), write_answer(cut.answer), "the deltas make the answer");
  check(cut.from_deltas.calls == cut.answer.calls, "the deltas make the calls");
  for (const AnswerCall& call : whole.answer.calls)
    check(is_json_object(call.arguments), "arguments are a JSON object");
  return 0;
}
