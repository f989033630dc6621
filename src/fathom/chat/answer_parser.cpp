#include "fathom/chat/answer_parser.h"

#include <algorithm>
#include <array>
#include <utility>

#include "fathom/chat/marker_scan.h"
#include "fathom/chat/markers.h"

namespace fathom {
namespace {

// Without tools only the first two mean anything.
constexpr std::array kTextMarkers = {marker::end_of_sentence, marker::think_end, marker::dsml_open, marker::dsml_close};

// More than this between an opening tag and its first call is no lead-in, but prose.
constexpr std::size_t kMaxLead = 64;

std::size_t skip_word(std::string_view text) {
  std::size_t end = 0;
  const auto is_word = [](char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') || character == '_';
  };
  while (end < text.size() && is_word(text[end])) ++end;
  return end;
}

}  // namespace

AnswerParser::AnswerParser(AnswerOptions options)
    : options_(std::move(options)),
      in_thinking_(options_.thinking_mode == ThinkingMode::thinking),
      calls_(options_.tools) {}

std::vector<AnswerDelta> AnswerParser::feed(std::string_view bytes) {
  characters_.push(bytes, pending_);
  run({});
  return std::exchange(out_, {});
}

std::vector<AnswerDelta> AnswerParser::finish(AnswerEnd end) {
  if (end == AnswerEnd::stopped) characters_.finish(pending_);  // the half character of a cut is no text
  run({.reached = true, .cut = end == AnswerEnd::cut_off});
  if (in_thinking_ && phase_ != Phase::over) fault(AnswerFault::think_end_missing);
  settle_drafts();
  return std::exchange(out_, {});
}

void AnswerParser::run(ToolCallParser::End end) {
  bool moved = true;
  while (moved) {
    const std::string_view pending = std::string_view(pending_).substr(position_);
    switch (phase_) {
      case Phase::text: moved = read_text(pending, end); break;
      case Phase::call: moved = read_calls(pending, end); break;
      case Phase::over: moved = read_rest(pending); break;
    }
  }
  pending_.erase(0, position_);
  position_ = 0;
}

bool AnswerParser::use(std::size_t length) {
  position_ += length;
  literal_ -= std::min(literal_, length);
  blanks_ = 0;
  return true;
}

// How much of the first `size` bytes is text for sure: up to two line breaks before a tag belong to the tag.
std::size_t AnswerParser::sure_text(std::string_view pending, std::size_t size) const {
  if (!reads_calls()) return size;
  for (int line_break = 0; line_break < 2 && size > 0 && pending[size - 1] == '\n'; ++line_break) --size;
  return size;
}

bool AnswerParser::read_text(std::string_view pending, ToolCallParser::End end) {
  if (literal_ > 0) {
    const std::size_t length = std::min(literal_, pending.size());
    emit_text(pending.substr(0, length));
    at_start_ = false;
    return use(length);
  }
  if (at_start_) return read_text_start(pending, end);
  const std::span<const std::string_view> markers(kTextMarkers);
  const MarkerScan scan = find_marker(pending, reads_calls() ? markers : markers.first(2));
  const std::size_t sure = end.reached && scan.match == MarkerMatch::no ? scan.offset : sure_text(pending, scan.offset);
  if (sure > 0) {
    emit_text(pending.substr(0, sure));
    return use(sure);
  }
  if (scan.match == MarkerMatch::yes) return read_marker(pending, scan.marker, end);
  if (!end.reached || pending.empty()) return false;
  // The beginning of a marker that never came.
  if (is_cut_tag(pending.substr(scan.offset))) {
    fault(AnswerFault::truncated);
  } else {
    emit_text(pending);
  }
  return use(pending.size());
}

// <think> and </think> count here even where they should not stand; further on they are text that someone quotes.
bool AnswerParser::read_text_start(std::string_view pending, ToolCallParser::End end) {
  const std::size_t blanks = skip_blanks(pending, blanks_);
  const std::string_view rest = pending.substr(blanks);
  if (rest.empty() && !end.reached) {
    blanks_ = blanks;
    return false;
  }
  const MarkerMatch start = match_front(rest, marker::think_start);
  const MarkerMatch stop = in_thinking_ ? MarkerMatch::no : match_front(rest, marker::think_end);
  if ((start == MarkerMatch::partial || stop == MarkerMatch::partial) && !end.reached) return false;
  if (start == MarkerMatch::yes) {
    fault(AnswerFault::think_start_repeated);
    in_thinking_ = true;
    return use(blanks + marker::think_start.size());
  }
  if (stop == MarkerMatch::yes) {
    fault(AnswerFault::think_end_repeated);
    return use(blanks + marker::think_end.size());
  }
  // The blanks after calls are text only if text stands on both sides of them.
  const MarkerMatch ends = std::max(match_front(rest, marker::end_of_sentence), match_front(rest, marker::think_end));
  const MarkerMatch opens = match_front(rest, marker::dsml_open);
  if (after_calls_ && std::max(ends, opens) == MarkerMatch::partial && !end.reached) return false;
  const bool first = in_thinking_ ? answer_.reasoning_content.empty() : answer_.content.empty();
  const bool drop_blanks = after_calls_ && (first || rest.empty() || ends == MarkerMatch::yes);
  const bool markup = rest.empty() || ends == MarkerMatch::yes || opens == MarkerMatch::yes;
  if (after_calls_ && !markup) fault(AnswerFault::text_between_calls);
  at_start_ = false;
  after_calls_ = false;
  return use(drop_blanks ? blanks : 0);
}

// A marker behind at most two line breaks.
bool AnswerParser::read_marker(std::string_view pending, std::string_view marker, ToolCallParser::End end) {
  const std::size_t breaks = pending.find('<');
  const std::size_t past = breaks + marker.size();
  if (marker == marker::dsml_open) return read_opening(pending, end);
  if (marker == marker::end_of_sentence) {
    emit_text(pending.substr(0, breaks));
    if (in_thinking_) fault(AnswerFault::think_end_missing);
    phase_ = Phase::over;
    return use(past);
  }
  if (marker == marker::think_end) {
    emit_text(pending.substr(0, in_thinking_ ? breaks : past));
    at_start_ = in_thinking_;
    in_thinking_ = false;
    return use(past);
  }
  // A closing tag of calls that were never opened.
  const std::string_view word = pending.substr(past, skip_word(pending.substr(past)));
  const std::size_t word_end = past + word.size();
  if (word_end == pending.size() && word.size() <= kMaxLead && !end.reached) return false;
  const bool known = word == "tool_calls" || word == "function_calls" || word == "invoke" || word == "parameter";
  if (!known) {
    emit_text(pending.substr(0, past));
    return use(past);
  }
  fault(AnswerFault::end_tag_stray);
  emit_text(pending.substr(0, breaks));
  return use(word_end + (word_end < pending.size() && pending[word_end] == '>' ? 1 : 0));
}

// `pending` begins with "<｜DSML｜".
AnswerParser::FoundOpening AnswerParser::find_opening(std::string_view pending, ToolCallParser::End end) {
  const FoundOpening unfinished{end.reached ? Opening::cut : Opening::waiting, pending.size()};
  const std::string_view after = pending.substr(marker::dsml_open.size());
  const std::string_view word = after.substr(0, skip_word(after));
  if (word.size() > kMaxLead) return {};
  std::string_view rest = after.substr(word.size());
  if (rest.empty()) return unfinished;
  if (word == "invoke") {
    const std::size_t lead = skip_blanks(rest);
    const MarkerMatch named = lead == 0 || lead > kMaxLead ? MarkerMatch::no : match_front(rest.substr(lead), "name=");
    if (named == MarkerMatch::partial) return unfinished;
    return {named == MarkerMatch::yes ? Opening::bare : Opening::none};
  }
  if (word == "parameter") return {};
  // Any other word opens a block if a call follows at once: models misspell "tool_calls".
  const bool bracket = rest.front() == '>';
  const std::size_t lead = skip_blanks(rest, bracket ? 1 : 0);
  if (lead > kMaxLead) return {};
  const bool known = word == "tool_calls" || word == "function_calls";
  MarkerMatch match = match_front(rest.substr(lead), marker::invoke_open);
  if (known)
    for (const std::string_view close : {marker::calls_close, marker::old_calls_close})
      match = std::max(match, match_front(rest.substr(lead), close));
  if (match == MarkerMatch::partial) return known || !end.reached ? unfinished : FoundOpening{};
  if (match == MarkerMatch::no) return {};
  const std::size_t length = marker::dsml_open.size() + word.size() + (bracket ? 1 : 0);
  return {Opening::block, length, word != "tool_calls" || !bracket};
}

bool AnswerParser::read_opening(std::string_view pending, ToolCallParser::End end) {
  const std::size_t breaks = pending.find('<');
  const FoundOpening found = find_opening(pending.substr(breaks), end);
  switch (found.opening) {
    case Opening::waiting: return false;
    case Opening::none:
      fault_once(AnswerFault::tag_as_text);
      emit_text(pending.substr(0, breaks + marker::dsml_open.size()));
      return use(breaks + marker::dsml_open.size());
    case Opening::cut: fault(AnswerFault::truncated); return use(pending.size());
    case Opening::block:
      if (found.malformed) fault(AnswerFault::start_tag_malformed);
      calls_.begin_block(pending.substr(0, breaks + found.length), in_thinking_);
      break;
    case Opening::bare: calls_.begin_bare(pending.substr(0, breaks), in_thinking_); break;
  }
  phase_ = Phase::call;
  return use(breaks + found.length);
}

bool AnswerParser::read_calls(std::string_view pending, ToolCallParser::End end) {
  const ToolCallParser::Step step = calls_.step(pending, end);
  emit_calls(calls_.take_events());
  if (!step.moved) return false;
  use(step.used);
  if (!step.left) return true;
  phase_ = Phase::text;
  using Restore = ToolCallParser::Restore;
  at_start_ = step.restore == Restore::nothing || step.restore == Restore::afterword;
  after_calls_ = at_start_;
  if (step.restore == Restore::nothing) return true;
  if (step.restore != Restore::afterword) fault_once(AnswerFault::tag_as_text);
  const std::string& text = calls_.restored_text();
  put_back(text);
  if (step.restore == Restore::text) literal_ = text.size();
  if (step.restore == Restore::tag) literal_ = text.find('<') + marker::dsml_open.size();
  return true;
}

// In place of what has been used up, where that is long enough.
void AnswerParser::put_back(const std::string& text) {
  const std::size_t room = std::min(position_, text.size());
  pending_.replace(position_ - room, room, text);
  position_ -= room;
}

bool AnswerParser::read_rest(std::string_view pending) {
  if (pending.empty()) return false;
  if (skip_blanks(pending) < pending.size()) fault_once(AnswerFault::text_after_end);
  return use(pending.size());
}

void AnswerParser::fault_once(AnswerFault fault) {
  if (answer_.faults.empty() || answer_.faults.back() != fault) answer_.faults.push_back(fault);
}

void AnswerParser::emit_text(std::string_view text) {
  if (text.empty()) return;
  emit({.kind = in_thinking_ ? AnswerDelta::Kind::reasoning : AnswerDelta::Kind::content, .text = std::string(text)});
}

// The answer is built from the deltas and from nothing else, so that the two cannot differ.
void AnswerParser::emit(AnswerDelta delta) {
  switch (delta.kind) {
    case AnswerDelta::Kind::reasoning: answer_.reasoning_content += delta.text; break;
    case AnswerDelta::Kind::content: answer_.content += delta.text; break;
    case AnswerDelta::Kind::call_start: answer_.calls.push_back({.name = delta.text, .arguments = {}}); break;
    case AnswerDelta::Kind::call_arguments: answer_.calls.back().arguments += delta.text; break;
    case AnswerDelta::Kind::call_end: answer_.calls.back().complete = delta.complete; break;
  }
  const bool is_text = delta.kind == AnswerDelta::Kind::reasoning || delta.kind == AnswerDelta::Kind::content;
  if (!is_text) delta.call = static_cast<std::int64_t>(answer_.calls.size()) - 1;
  const bool joins = !out_.empty() && out_.back().kind == delta.kind && out_.back().call == delta.call &&
                     (is_text || delta.kind == AnswerDelta::Kind::call_arguments);
  if (joins) {
    out_.back().text += delta.text;
  } else {
    out_.push_back(std::move(delta));
  }
}

void AnswerParser::emit_calls(AnswerEvents events) {
  std::move(events.faults.begin(), events.faults.end(), std::back_inserter(answer_.faults));
  for (AnswerDelta& delta : events.deltas) {
    if (in_thinking_) {
      drafts_.push_back(std::move(delta));
    } else {
      emit(std::move(delta));
    }
  }
}

void AnswerParser::settle_drafts() {
  if (drafts_.empty()) return;
  const bool answered = !answer_.calls.empty() || skip_blanks(answer_.content) < answer_.content.size();
  fault(answered ? AnswerFault::draft_call_dropped : AnswerFault::call_in_thinking);
  if (!answered)
    for (AnswerDelta& delta : drafts_) emit(std::move(delta));
  drafts_.clear();
}

}  // namespace fathom
