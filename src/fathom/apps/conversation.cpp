#include "fathom/apps/conversation.h"

#include <cstdio>

#include "fathom/chat/answer_parser.h"
#include "fathom/chat/prompt.h"

namespace fathom {
namespace {

constexpr const char* kHelp = R"(  /think [on|off]        think before answering
  /effort [high|max]     how hard to think
  /system TEXT           set the system prompt and begin anew
  /reset                 forget the conversation
  /regenerate            answer the last question again
  /stats [on|off]        counts and times after every answer
  /help                  this list
  /exit                  leave; so does Ctrl-D
  Ctrl-C stops an answer; a line that ends in \ goes on in the next.
)";

// Writes deltas as a person reads them: thinking dimmed, then the answer.
class AnswerPrinter {
 public:
  explicit AnswerPrinter(bool color) : color_(color) {}
  ~AnswerPrinter() { leave(); }
  AnswerPrinter(const AnswerPrinter&) = delete;
  AnswerPrinter& operator=(const AnswerPrinter&) = delete;

  void print(const AnswerDelta& delta) {
    const bool thinking = delta.kind == AnswerDelta::Kind::reasoning;
    if (thinking && !thinking_) std::fputs(color_ ? "\033[2m" : "[thinking] ", stdout);
    if (!thinking && thinking_) {
      leave();
      std::fputs("\n\n", stdout);
    }
    thinking_ = thinking;
    if (delta.kind == AnswerDelta::Kind::call_start) std::fputs("\n[tool call] ", stdout);
    std::fwrite(delta.text.data(), 1, delta.text.size(), stdout);
    if (delta.kind == AnswerDelta::Kind::call_start) std::fputs(" ", stdout);
    std::fflush(stdout);
  }

 private:
  void leave() {
    if (thinking_ && color_) std::fputs("\033[0m", stdout);
    std::fflush(stdout);
  }

  bool color_;
  bool thinking_ = false;
};

bool on_or_off(const std::string& argument, bool now, const char* what) {
  if (argument == "on") return true;
  if (argument == "off") return false;
  if (argument.empty()) return !now;
  fmt::print("{} is on or off, not \"{}\"\n", what, argument);
  return now;
}

}  // namespace

Conversation::Conversation(ModelSession& session, ConversationOptions options)
    : session_(session), options_(std::move(options)) {
  reset();
}

void Conversation::reset() {
  messages_.clear();
  if (options_.system.empty()) return;
  ChatMessage system;
  system.role = Role::system;
  system.content = options_.system;
  messages_.push_back(std::move(system));
}

void Conversation::answer(const std::string& user, Interrupt& interrupt) {
  std::vector<ChatMessage> messages = messages_;
  ChatMessage question;
  question.role = Role::user;
  question.content = user;
  messages.push_back(std::move(question));
  answer_last(std::move(messages), interrupt);
}

void Conversation::answer_last(std::vector<ChatMessage> messages, Interrupt& interrupt) {
  interrupt.clear();
  AnswerParser parser({.thinking_mode = options_.prompt.thinking_mode, .tools_offered = false});
  Generation result;
  {
    AnswerPrinter printer(options_.color);
    const auto print = [&](const std::vector<AnswerDelta>& deltas) {
      for (const AnswerDelta& delta : deltas) printer.print(delta);
    };
    GenerationListener listener;
    listener.text = [&](std::string_view text) { print(parser.feed(text)); };
    listener.progress = prompt_progress();
    result = generate(session_, session_.tokenizer().encode(render_prompt(messages, options_.prompt)),
                      options_.generation, interrupt, listener);
    print(parser.finish(result.finish == "stop" ? AnswerEnd::stopped : AnswerEnd::cut_off));
  }
  fmt::print("\n");
  if (options_.stats)
    fmt::print("[{} prompt tokens, first token after {:.2f} s; {} tokens, {:.1f} per second; {}]\n",
               result.prompt_tokens, result.first_token_seconds, result.tokens.size(),
               static_cast<double>(result.tokens.size()) / std::max(result.seconds, 1e-9), result.finish);
  else if (result.finish != "stop")
    fmt::print("[{}]\n", result.finish == "length" ? "cut off: --max-tokens is reached" : result.finish);

  ChatMessage reply;
  reply.role = Role::assistant;
  reply.content = parser.answer().content;
  if (options_.prompt.thinking_mode == ThinkingMode::thinking)
    reply.reasoning_content = parser.answer().reasoning_content;
  messages.push_back(std::move(reply));
  messages_ = std::move(messages);
}

void Conversation::set_thinking(const std::string& argument) {
  const bool on = on_or_off(argument, options_.prompt.thinking_mode == ThinkingMode::thinking, "/think");
  options_.prompt.thinking_mode = on ? ThinkingMode::thinking : ThinkingMode::chat;
  fmt::print("thinking is {}\n", on ? "on" : "off");
}

void Conversation::set_effort(const std::string& argument) {
  if (argument == "max") {
    options_.prompt.reasoning_effort = ReasoningEffort::max;
  } else if (argument == "high") {
    options_.prompt.reasoning_effort = ReasoningEffort::high;
  } else if (!argument.empty()) {
    fmt::print("/effort is high or max, not \"{}\"\n", argument);
    return;
  }
  fmt::print("effort is {}\n", options_.prompt.reasoning_effort == ReasoningEffort::max ? "max" : "high");
}

void Conversation::regenerate(Interrupt& interrupt) {
  if (messages_.empty() || messages_.back().role != Role::assistant) {
    fmt::print("there is no answer yet\n");
    return;
  }
  ++options_.generation.sampling.seed;  // the same seed would give the same answer
  answer_last({messages_.begin(), messages_.end() - 1}, interrupt);
}

bool Conversation::command(const std::string& line, Interrupt& interrupt) {
  const std::size_t space = line.find(' ');
  const std::string name = line.substr(0, space);
  const std::string argument = space == std::string::npos ? "" : line.substr(space + 1);
  if (name == "/exit" || name == "/quit") return false;
  if (name == "/think") {
    set_thinking(argument);
  } else if (name == "/effort") {
    set_effort(argument);
  } else if (name == "/system") {
    options_.system = argument;
    reset();
    fmt::print("system prompt set, conversation forgotten\n");
  } else if (name == "/reset") {
    reset();
    fmt::print("conversation forgotten\n");
  } else if (name == "/regenerate") {
    regenerate(interrupt);
  } else if (name == "/stats") {
    options_.stats = on_or_off(argument, options_.stats, "/stats");
    fmt::print("stats are {}\n", options_.stats ? "on" : "off");
  } else {
    if (name != "/help") fmt::print("{} is no command:\n", name);
    fmt::print("{}", kHelp);
  }
  return true;
}

}  // namespace fathom
