// fathom prompt: a chat request to the exact text, and the exact tokens, that DeepSeek-V4 reads.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "fathom/apps/commands.h"
#include "fathom/base/error.h"
#include "fathom/base/mapped_file.h"
#include "fathom/chat/json_text.h"
#include "fathom/chat/message_json.h"
#include "fathom/chat/prompt.h"
#include "fathom/tokenizer/tokenizer.h"

namespace fathom {
namespace {

struct PromptCommand {
  std::string file = "-";
  std::string model;
  std::string effort;
  bool thinking = false;
  bool no_thinking = false;
  bool keep_reasoning = false;
  bool ids = false;
  bool json = false;
  bool jsonl = false;
};

// What the command line says wins over what the request says.
std::string prompt_of(const PromptCommand& command, std::string_view json, std::string_view place) {
  ChatRequest request = read_chat_request(json, place);
  PromptOptions& options = request.options;
  if (!command.effort.empty() && !read_effort(command.effort, "--effort", options.reasoning_effort))
    options.thinking_mode = ThinkingMode::chat;
  if (command.thinking) options.thinking_mode = ThinkingMode::thinking;
  if (command.no_thinking) options.thinking_mode = ThinkingMode::chat;
  if (command.keep_reasoning) options.drop_thinking = false;
  return render_prompt(request.messages, options);
}

Tokenizer tokenizer_of(const PromptCommand& command) {
  if (command.model.empty()) return Tokenizer::deepseek_v4();
  return Tokenizer::load(std::filesystem::path(command.model) / "tokenizer.json");
}

std::string joined_ids(const Tokenizer& tokenizer, std::string_view prompt, std::string_view between) {
  return fmt::format("{}", fmt::join(tokenizer.encode(prompt), between));
}

std::string answer_line(const Tokenizer& tokenizer, std::string_view prompt) {
  std::string line = "{\"prompt\": ";
  append_json_string(line, prompt);
  return line + ", \"token_ids\": [" + joined_ids(tokenizer, prompt, ", ") + "]}";
}

// One request a line, one answer a line. A line that cannot be read is answered with its error, and the rest go on.
void run_lines(const PromptCommand& command, std::istream& input) {
  const Tokenizer tokenizer = tokenizer_of(command);
  std::int64_t number = 0;
  std::int64_t bad = 0;
  for (std::string line; std::getline(input, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    std::string answer;
    try {
      answer = answer_line(tokenizer, prompt_of(command, line, "request"));
    } catch (const InputError& error) {
      ++bad;
      fmt::print(stderr, "fathom: line {}: {}\n", number, error.what());
      answer = "{\"error\": ";
      append_json_string(answer, error.what());
      answer += '}';
    }
    fmt::print("{}\n", answer);
  }
  if (bad > 0) throw InputError("[prompt] {} of {} lines are no chat requests", bad, number);
}

void run_prompt(const PromptCommand& command) {
  const bool standard_input = command.file == "-";
  if (command.jsonl) {
    if (standard_input) return run_lines(command, std::cin);
    std::istringstream file(read_text_file(command.file));
    return run_lines(command, file);
  }
  const std::string json =
      standard_input ? std::string(std::istreambuf_iterator<char>(std::cin), {}) : read_text_file(command.file);
  const std::string prompt = prompt_of(command, json, standard_input ? "standard input" : command.file);
  if (command.json) {
    fmt::print("{}\n", answer_line(tokenizer_of(command), prompt));
  } else if (command.ids) {
    fmt::print("{}\n", joined_ids(tokenizer_of(command), prompt, " "));
  } else {
    std::fwrite(prompt.data(), 1, prompt.size(), stdout);
  }
}

}  // namespace

void add_prompt_command(CLI::App& program) {
  auto* command = program.add_subcommand("prompt", "show the exact prompt, or its tokens, of a chat request");
  command->footer(R"(The request is an array of messages, or an object {"messages": [...]} with, if wanted,
"thinking_mode": "chat" | "thinking", "reasoning_effort", and OpenAI's "tools", "tool_choice", "response_format" and
"thinking": {"type": "enabled" | "disabled"}. Without a word on it the model thinks, as the public API has it. The
prompt is printed as it is, with no line break added. No checkpoint is needed: DeepSeek-V4's vocabulary is built in.

  echo '[{"role": "user", "content": "Hello"}]' | fathom prompt
  fathom prompt --no-thinking request.json
  fathom prompt --effort max --ids request.json
  fathom prompt --json --model models/sprat request.json
  fathom prompt --jsonl requests.jsonl > prompts.jsonl

With --jsonl each line is a request and each line printed is {"prompt": ..., "token_ids": [...]}, or {"error": ...} for
a line that is none; then the exit code is 1.)");
  auto options = std::make_shared<PromptCommand>();
  command->add_option("request", options->file, "file with the request; - or nothing: standard input");
  command->add_option("--model", options->model, "directory whose tokenizer.json makes the tokens")
      ->check(CLI::ExistingDirectory);
  auto* thinking = command->add_flag("--thinking", options->thinking, "let the model think, whatever the request says");
  command->add_flag("--no-thinking", options->no_thinking, "answer at once, whatever the request says")
      ->excludes(thinking);
  command->add_option("--effort", options->effort, "none, minimal, low, medium, high, xhigh, max or ultra");
  command->add_flag("--keep-reasoning", options->keep_reasoning, "keep the reasoning of all earlier turns");
  auto* ids = command->add_flag("--ids", options->ids, "print token ids");
  auto* json = command->add_flag("--json", options->json, "print {\"prompt\": ..., \"token_ids\": [...]}");
  json->excludes(ids);
  command->add_flag("--jsonl", options->jsonl, "read and answer one request a line")->excludes(ids)->excludes(json);
  command->callback([options] { run_prompt(*options); });
}

}  // namespace fathom
