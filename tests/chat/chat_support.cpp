#include "tests/chat/chat_support.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>

#include "fathom/tokenizer/utf8.h"

namespace fathom::test {
namespace {

std::vector<JsonValue> case_lines() {
  std::vector<JsonValue> lines;
  std::istringstream text(read_test_file("encoding/cases.jsonl"));
  for (std::string line; std::getline(text, line);) lines.push_back(read_json(line, "cases.jsonl"));
  return lines;
}

void join(std::vector<AnswerDelta>& joined, std::vector<AnswerDelta> deltas) {
  for (AnswerDelta& delta : deltas) {
    const bool is_point = delta.kind == AnswerDelta::Kind::call_start || delta.kind == AnswerDelta::Kind::call_end;
    if (!is_point && !joined.empty() && joined.back().kind == delta.kind && joined.back().call == delta.call) {
      joined.back().text += delta.text;
    } else {
      joined.push_back(std::move(delta));
    }
  }
}

void expect_whole_characters(const std::vector<AnswerDelta>& deltas) {
  for (const AnswerDelta& delta : deltas)
    for (std::string_view rest = delta.text; !rest.empty();) {
      const Utf8Step step = utf8_step(rest, 0);
      ASSERT_TRUE(step.valid) << "in a delta: " << delta.text;
      rest.remove_prefix(static_cast<std::size_t>(step.length));
    }
}

void expect_equal(const Parsed& found, const Parsed& expected, std::string_view how) {
  ASSERT_EQ(write_answer(found.answer), write_answer(expected.answer)) << how;
  ASSERT_EQ(found.answer.calls, expected.answer.calls) << how;
  ASSERT_EQ(found.answer.faults, expected.answer.faults) << how;
  ASSERT_EQ(found.deltas.size(), expected.deltas.size()) << how;
  for (std::size_t delta = 0; delta < found.deltas.size(); ++delta)
    ASSERT_TRUE(found.deltas[delta] == expected.deltas[delta]) << how << ", delta " << delta;
}

void expect_deltas_make_answer(const Parsed& parsed) {
  Answer made;
  for (const AnswerDelta& delta : parsed.deltas) {
    switch (delta.kind) {
      case AnswerDelta::Kind::reasoning: made.reasoning_content += delta.text; break;
      case AnswerDelta::Kind::content: made.content += delta.text; break;
      case AnswerDelta::Kind::call_start:
        ASSERT_EQ(delta.call, static_cast<std::int64_t>(made.calls.size()));
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
  ASSERT_EQ(write_answer(made), write_answer(parsed.answer));
  ASSERT_EQ(made.calls, parsed.answer.calls);
  for (const AnswerCall& call : made.calls) ASSERT_TRUE(is_json_object(call.arguments)) << call.arguments;
}

}  // namespace

std::string read_test_file(std::string_view name) {
  std::ifstream file(std::string(FATHOM_TEST_DATA "/") + std::string(name), std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

const std::vector<PromptCase>& prompt_cases() {
  static const std::vector<PromptCase> cases = [] {
    std::vector<PromptCase> read;
    for (JsonValue& line : case_lines())
      if (const JsonValue* prompt = line.find("prompt")) read.push_back({write_json(line), prompt->text});
    return read;
  }();
  return cases;
}

const std::vector<ParseCase>& parse_cases() {
  static const std::vector<ParseCase> cases = [] {
    std::vector<ParseCase> read;
    for (const JsonValue& line : case_lines())
      if (const JsonValue* completion = line.find("completion"))
        read.push_back({completion->text,
                        line.find("thinking_mode")->text == "chat" ? ThinkingMode::chat : ThinkingMode::thinking,
                        write_json(*line.find("message"))});
    return read;
  }();
  return cases;
}

Parsed parse_pieces(const AnswerOptions& options, std::string_view text, std::span<const std::size_t> cuts,
                    AnswerEnd end) {
  Parsed parsed;
  AnswerParser parser(options);
  const auto take = [&parsed](std::vector<AnswerDelta> deltas) {
    expect_whole_characters(deltas);
    join(parsed.deltas, std::move(deltas));
  };
  std::size_t start = 0;
  for (const std::size_t cut : cuts) {
    take(parser.feed(text.substr(start, cut - start)));
    start = cut;
  }
  take(parser.feed(text.substr(start)));
  take(parser.finish(end));
  parsed.answer = parser.answer();
  return parsed;
}

Parsed parse_whole(const AnswerOptions& options, std::string_view text, AnswerEnd end) {
  return parse_pieces(options, text, {}, end);
}

Answer expect_same_however_cut(const AnswerOptions& options, std::string_view text, AnswerEnd end) {
  const Parsed whole = parse_whole(options, text, end);
  expect_deltas_make_answer(whole);
  std::vector<std::size_t> every;
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const std::size_t one[] = {cut};
    expect_equal(parse_pieces(options, text, one, end), whole, "cut at " + std::to_string(cut));
    if (testing::Test::HasFatalFailure()) return whole.answer;
    every.push_back(cut);
  }
  expect_equal(parse_pieces(options, text, every, end), whole, "byte by byte");
  std::mt19937 random(1);
  for (int round = 0; round < 16; ++round) {
    std::vector<std::size_t> some;
    std::sample(every.begin(), every.end(), std::back_inserter(some), 1 + round, random);
    expect_equal(parse_pieces(options, text, some, end), whole, "cut at random");
  }
  return whole.answer;
}

AnswerOptions chat_mode() { return {.thinking_mode = ThinkingMode::chat}; }
AnswerOptions thinking_mode() { return {.thinking_mode = ThinkingMode::thinking}; }

}  // namespace fathom::test
