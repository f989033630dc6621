#include <CLI/CLI.hpp>

#include <unistd.h>

#include "fathom/apps/commands.h"
#include "fathom/apps/conversation.h"
#include "fathom/apps/free_memory.h"
#include "fathom/apps/line_editor.h"

namespace fathom {
namespace {

struct ChatOptions {
  ModelOptions model;
  ConversationOptions conversation;
  bool think = true;
  std::string effort = "high";
  bool no_history = false;
  std::string greeting;
};

// A line that ends in a backslash goes on. Ctrl-C takes all lines of the message back: it is empty then.
std::optional<std::string> read_message(LineEditor& editor, const Interrupt& interrupt) {
  std::string message;
  const char* prompt = "> ";
  while (true) {
    const auto line = editor.read(prompt);
    if (!line.has_value()) return message.empty() ? std::nullopt : std::optional(message);
    if (interrupt.requested()) return std::string();
    message += *line;
    if (message.empty() || message.back() != '\\') return message;
    message.back() = '\n';
    prompt = "  ";
  }
}

void run_chat(ChatOptions& options, const CLI::App& command) {
  // Each turn begins with all turns before it.
  options.model.engine.prefix = {.on = true, .minimum = 16, .bytes = free_memory_bytes() / 4};
  settle(options.conversation.generation, command);
  options.conversation.prompt.thinking_mode = options.think ? ThinkingMode::thinking : ThinkingMode::chat;
  options.conversation.prompt.reasoning_effort = options.effort == "max" ? ReasoningEffort::max : ReasoningEffort::high;
  options.conversation.color = isatty(STDOUT_FILENO) != 0;

  ModelSession session(options.model);
  Interrupt interrupt;
  LineEditor editor(options.no_history ? std::filesystem::path() : default_history_file(), interrupt);
  Conversation conversation(session, options.conversation);
  if (editor.interactive()) {
    if (!options.greeting.empty()) fmt::print("{}\n", options.greeting);
    fmt::print("{}: {} layers, {} tokens of context. /help lists commands.\n", options.model.directory,
               session.config().layers, session.config().max_positions);
  }
  while (const auto line = read_message(editor, interrupt)) {
    if (line->find_first_not_of(" \t\n") == std::string::npos) continue;
    try {
      if (line->front() == '/') {
        if (!conversation.command(*line, interrupt)) break;
      } else {
        conversation.answer(*line, interrupt);
      }
    } catch (const InputError& error) {
      fmt::print("{}\n", error.what());  // the conversation goes on
    }
  }
}

}  // namespace

void add_chat_command(CLI::App& program) {
  auto* command = program.add_subcommand("chat", "talk with a model at the terminal");
  command->footer(
      R"(Answers stream as they are made, thinking is dimmed, Ctrl-C stops an answer, Ctrl-D leaves. Lines are kept in
$XDG_STATE_HOME/fathom/history. With standard input from a file or pipe, every line is one question.

  fathom chat --model models/sprat --no-think
  fathom chat --model DIR --system "Answer in one sentence." --effort max
  printf 'What is the capital of France?\n' | fathom chat --model DIR --temperature 0)");
  auto options = std::make_shared<ChatOptions>();
  options->conversation.generation.sampling.max_tokens = 8192;  // the hosted API's default without thinking
  add_model_options(*command, options->model);
  command->add_option("--system", options->conversation.system, "system prompt");
  command->add_flag("--think,!--no-think", options->think, "think before answering (default)");
  command->add_option("--effort", options->effort, "how hard to think: high or max")
      ->check(CLI::IsMember({"high", "max"}))
      ->capture_default_str();
  add_generation_options(*command, options->conversation.generation);
  command->add_flag("--stats", options->conversation.stats, "counts and times after every answer");
  command->add_flag("--no-history", options->no_history, "neither read nor keep the history of lines");
  command->add_option("--greeting", options->greeting, "a line to print first at a terminal");
  command->callback([options, command] { run_chat(*options, *command); });
}

}  // namespace fathom
