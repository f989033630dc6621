// fathom parse: what the model wrote to the message that it means.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>

#include "fathom/apps/commands.h"
#include "fathom/base/error.h"
#include "fathom/base/mapped_file.h"
#include "fathom/chat/answer_parser.h"
#include "fathom/chat/json_field.h"
#include "fathom/chat/message_json.h"

namespace fathom {
namespace {

struct ParseCommand {
  std::string file = "-";
  bool no_thinking = false;
  bool no_tools = false;
  bool cut = false;
  bool faults = false;
  bool jsonl = false;
};

Answer parse(const ParseCommand& command, AnswerOptions options, std::string_view text) {
  if (command.no_tools) options.tools_offered = false;
  AnswerParser parser(std::move(options));
  parser.feed(text);
  parser.finish(command.cut ? AnswerEnd::cut_off : AnswerEnd::stopped);
  return parser.answer();
}

// , "faults": ["...", ...]
std::string faults_member(const Answer& answer) {
  std::string out = ", \"faults\": [";
  std::string_view between;
  for (const AnswerFault fault : answer.faults) {
    out += between;
    append_json_string(out, describe(fault));
    between = ", ";
  }
  return out + "]";
}

std::string parse_line(const ParseCommand& command, std::string_view line) {
  const JsonValue json = read_json(line, "request");
  const JsonField request(&json, "");
  request.expect(JsonValue::Kind::object);
  const JsonField completion = request.member("completion");
  completion.expect(JsonValue::Kind::string);
  AnswerOptions options;
  if (command.no_thinking) options.thinking_mode = ThinkingMode::chat;
  const JsonField mode = request.member("thinking_mode");
  if (!mode.is_none()) options.thinking_mode = read_thinking_mode(mode.value(), mode.place());
  const JsonField tools = request.member("tools");
  if (!tools.is_none()) options.tools = read_tools(tools.value(), tools.place());
  const Answer answer = parse(command, std::move(options), completion.value().text);
  return "{\"message\": " + write_answer(answer) + (command.faults ? faults_member(answer) : "") + "}";
}

// One completion a line, one message a line. A line that cannot be read is answered with its error.
void run_lines(const ParseCommand& command, std::istream& input) {
  std::int64_t number = 0;
  std::int64_t bad = 0;
  for (std::string line; std::getline(input, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    std::string answer;
    try {
      answer = parse_line(command, line);
    } catch (const InputError& error) {
      ++bad;
      fmt::print(stderr, "fathom: line {}: {}\n", number, error.what());
      answer = "{\"error\": ";
      append_json_string(answer, error.what());
      answer += '}';
    }
    fmt::print("{}\n", answer);
  }
  if (bad > 0) throw InputError("[parse] {} of {} lines are no completions", bad, number);
}

void run_parse(const ParseCommand& command) {
  const bool standard_input = command.file == "-";
  if (command.jsonl) {
    if (standard_input) return run_lines(command, std::cin);
    std::istringstream file(read_text_file(command.file));
    return run_lines(command, file);
  }
  const std::string text =
      standard_input ? std::string(std::istreambuf_iterator<char>(std::cin), {}) : read_text_file(command.file);
  AnswerOptions options;
  if (command.no_thinking) options.thinking_mode = ThinkingMode::chat;
  const Answer answer = parse(command, std::move(options), text);
  fmt::print("{}\n", write_answer(answer));
  if (command.faults)
    for (const AnswerFault fault : answer.faults) fmt::print(stderr, "fathom: {}\n", describe(fault));
}

}  // namespace

void add_parse_command(CLI::App& program) {
  auto* command = program.add_subcommand("parse", "read a completion: reasoning, content and tool calls as a message");
  command->footer(
      R"(The completion is the text after the prompt's last token, in thinking mode from inside <think> on. What leaves the
format is read as what it most likely means; --faults says where.

  fathom parse completion.txt
  fathom parse --no-thinking --faults completion.txt
  echo 'Two and two.</think>Four.<｜end▁of▁sentence｜>' | fathom parse
  fathom parse --jsonl completions.jsonl > messages.jsonl

With --jsonl each line is {"completion": ..., "thinking_mode": "chat" | "thinking"}, with the request's "tools" if they
are known, and each line printed is {"message": ...}, or {"error": ...} for a line that is none; then the exit code is 1.)");
  auto options = std::make_shared<ParseCommand>();
  command->add_option("completion", options->file, "file with the completion; - or nothing: standard input");
  command->add_flag("--no-thinking", options->no_thinking, "the prompt ended in </think>, not in <think>");
  command->add_flag("--no-tools", options->no_tools, "no tools were offered: take nothing for a tool call");
  command->add_flag("--cut", options->cut, "the completion was cut off by the token limit");
  command->add_flag("--faults", options->faults,
                    "say what was malformed: on standard error, or as \"faults\" in each line");
  command->add_flag("--jsonl", options->jsonl, "read and answer one completion a line");
  command->callback([options] { run_parse(*options); });
}

}  // namespace fathom
