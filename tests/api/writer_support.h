// What the tests of the writers share: answers as the parser gives them, and streams taken apart.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fathom/api/answer_writer.h"
#include "fathom/chat/answer_parser.h"
#include "fathom/chat/json_text.h"

namespace fathom::api::test {

AnswerIdentity identity();  // "91cfbb94-554b-4136-8e21-fa02280d56ed", deepseek-v4-pro

AnswerDelta reasoning(std::string text);
AnswerDelta content(std::string text);
AnswerDelta call_start(std::int64_t call, std::string name);
AnswerDelta arguments(std::int64_t call, std::string text);
AnswerDelta call_end(std::int64_t call, bool complete = true);

// begin, every piece, finish.
std::string write_all(AnswerWriter& writer, const std::vector<AnswerDelta>& deltas, const AnswerEnding& ending,
                      const Usage& begun = {});

// Name and data of every event; the test fails if the stream is anything but such frames, or a name is not its data's
// type.
std::vector<std::pair<std::string, JsonValue>> events_of(std::string_view stream);

// Names of events, one a line, repeats as "name x3".
std::string event_names(std::string_view stream);

// Completions of a model in thinking mode with tools on, of every shape: calls, prose, malformed and cut off.
std::vector<std::string> completions();
std::vector<AnswerDelta> deltas_of(std::string_view completion, std::size_t piece, AnswerEnd end);

std::string text_at(const JsonValue& value, std::initializer_list<std::string_view> keys);

}  // namespace fathom::api::test
