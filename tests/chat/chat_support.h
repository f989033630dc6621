// What several tests of the chat room share: the oracle's cases, and an answer fed in pieces.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/chat/answer.h"
#include "fathom/chat/answer_parser.h"
#include "fathom/chat/json_text.h"

namespace fathom::test {

std::string read_test_file(std::string_view name);  // below tests/data

struct PromptCase {
  std::string request;  // JSON object: messages, thinking_mode, reasoning_effort
  std::string prompt;
};
struct ParseCase {
  std::string completion;
  ThinkingMode thinking_mode = ThinkingMode::thinking;
  std::string message;  // JSON, as write_json writes it
};
const std::vector<PromptCase>& prompt_cases();
const std::vector<ParseCase>& parse_cases();

// Everything a parser gave: its answer, and its deltas with neighbours of one kind joined.
struct Parsed {
  Answer answer;
  std::vector<AnswerDelta> deltas;
};

// `cuts` are increasing byte offsets at which the text is split.
Parsed parse_pieces(const AnswerOptions& options, std::string_view text, std::span<const std::size_t> cuts,
                    AnswerEnd end = AnswerEnd::stopped);
Parsed parse_whole(const AnswerOptions& options, std::string_view text, AnswerEnd end = AnswerEnd::stopped);

// Expects the same from the text whole, cut at every single place, byte by byte and cut at random; that joined deltas
// make the answer; that every delta is whole characters; and that arguments are JSON objects. Returns the answer.
Answer expect_same_however_cut(const AnswerOptions& options, std::string_view text, AnswerEnd end = AnswerEnd::stopped);

AnswerOptions chat_mode();
AnswerOptions thinking_mode();

}  // namespace fathom::test
