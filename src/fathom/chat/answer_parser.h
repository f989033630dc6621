// The model's answer, parsed while it arrives: reasoning, content and tool calls out of one stream of bytes. Chunks may
// be cut anywhere, inside characters and markers too; the answer and the joined deltas do not depend on it. No text is
// held back but what may be the beginning of a marker. Answers that leave the format are read as what they most likely
// mean, and say so in Answer::faults; no input throws. docs/chat_format.md has the rules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fathom/chat/answer.h"
#include "fathom/chat/message.h"
#include "fathom/chat/tool_call_parser.h"
#include "fathom/chat/utf8_stream.h"

namespace fathom {

struct AnswerOptions {
  ThinkingMode thinking_mode = ThinkingMode::thinking;  // thinking: the prompt ended in <think>
  // Without tools no text is ever a call, whatever it looks like.
  bool tools_offered = true;
  // Whether calls before </think> count where no answer follows. If not, reasoning is text, whatever it looks like.
  bool calls_in_thinking = true;
  // The tools, if they are known. They tell a parameter named "arguments" from a wrapper around all arguments, and a
  // call without its opening tag from prose.
  std::vector<Tool> tools = {};
};

// How the text came to its end. An end-of-sentence marker in the text says `stopped`, whatever finish() is told.
enum class AnswerEnd { stopped, cut_off };

class AnswerParser {
 public:
  explicit AnswerParser(AnswerOptions options);
  AnswerParser(const AnswerParser&) = delete;
  AnswerParser& operator=(const AnswerParser&) = delete;

  std::vector<AnswerDelta> feed(std::string_view bytes);
  // Once, after the last feed.
  std::vector<AnswerDelta> finish(AnswerEnd end = AnswerEnd::stopped);
  const Answer& answer() const { return answer_; }

 private:
  enum class Phase { text, call, over };
  enum class Opening { none, waiting, block, bare, cut };
  struct FoundOpening {
    Opening opening = Opening::none;
    std::size_t length = 0;  // of the opening tag
    bool malformed = false;
  };

  void run(ToolCallParser::End end);
  bool read_text(std::string_view pending, ToolCallParser::End end);
  bool read_text_start(std::string_view pending, ToolCallParser::End end);
  bool read_marker(std::string_view pending, std::string_view marker, ToolCallParser::End end);
  bool read_opening(std::string_view pending, ToolCallParser::End end);
  bool read_calls(std::string_view pending, ToolCallParser::End end);
  bool read_rest(std::string_view pending);
  static FoundOpening find_opening(std::string_view pending, ToolCallParser::End end);
  std::size_t sure_text(std::string_view pending, std::size_t size) const;

  bool reads_calls() const { return options_.tools_offered && (options_.calls_in_thinking || !in_thinking_); }
  bool use(std::size_t length);
  void put_back(const std::string& text);
  void emit_text(std::string_view text);
  void emit(AnswerDelta delta);
  void emit_calls(AnswerEvents events);
  void settle_drafts();
  void fault_once(AnswerFault fault);  // not if it is the latest already
  void fault(AnswerFault fault) { answer_.faults.push_back(fault); }

  AnswerOptions options_;
  Utf8Stream characters_;
  std::string pending_;
  std::size_t position_ = 0;  // pending_ before it is done with
  std::size_t blanks_ = 0;    // of the text at position_, already looked at
  std::size_t literal_ = 0;   // bytes at position_ that are text, whatever they look like
  Phase phase_ = Phase::text;
  bool in_thinking_ = true;
  bool at_start_ = true;  // of the reasoning, of the content, or of the text after calls
  bool after_calls_ = false;
  ToolCallParser calls_;
  std::vector<AnswerDelta> drafts_;  // calls made before </think>: they count if no answer follows
  Answer answer_;
  std::vector<AnswerDelta> out_;
};

}  // namespace fathom
