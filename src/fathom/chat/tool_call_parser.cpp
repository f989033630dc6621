#include "fathom/chat/tool_call_parser.h"

#include <algorithm>
#include <array>
#include <utility>

#include "fathom/base/error.h"
#include "fathom/chat/dsml_head.h"
#include "fathom/chat/json_text.h"
#include "fathom/chat/marker_scan.h"
#include "fathom/chat/markers.h"

namespace fathom {
namespace {

using Tags = std::span<const std::string_view>;

constexpr std::array kBetweenTags = {marker::invoke_open,     marker::calls_close,  marker::old_calls_close,
                                     marker::end_of_sentence, marker::invoke_close, marker::parameter_close,
                                     marker::think_end};
constexpr std::array kCallTags = {marker::parameter_open,  marker::invoke_close,    marker::invoke_open,
                                  marker::calls_close,     marker::old_calls_close, marker::end_of_sentence,
                                  marker::parameter_close, marker::think_end};
constexpr std::array kValueTags = {marker::parameter_close, marker::invoke_close,    marker::calls_close,
                                   marker::old_calls_close, marker::end_of_sentence, marker::parameter_named,
                                   marker::invoke_named};
// What may follow </invoke> where a value never got its own end, and what may follow the block's end there.
constexpr std::array kAfterInvoke = {marker::end_of_sentence, marker::calls_close, marker::old_calls_close,
                                     marker::invoke_open, marker::think_end};
constexpr std::array kAfterCalls = {marker::end_of_sentence, marker::think_end};

// </think> means something only where thinking has begun; it stands last in every list.
Tags relevant(Tags tags, bool in_thinking) { return in_thinking ? tags : tags.first(tags.size() - 1); }

bool is_blank(std::string_view text) { return skip_blanks(text) == text.size(); }

bool is_block_end(std::string_view tag) { return tag == marker::calls_close || tag == marker::old_calls_close; }

// The one of `tags` at the front of the text.
MarkerScan tag_at_front(std::string_view text, Tags tags) {
  MarkerScan scan{MarkerMatch::no, 0, {}};
  for (const std::string_view tag : tags) {
    const MarkerMatch match = match_front(text, tag);
    if (match == MarkerMatch::yes) return {MarkerMatch::yes, 0, tag};
    if (match == MarkerMatch::partial) scan.match = MarkerMatch::partial;
  }
  return scan;
}

}  // namespace

void ToolCallParser::begin_block(std::string_view opening, bool in_thinking) {
  *this = ToolCallParser(tools_);
  raw_ = opening;
  restorable_ = true;
  in_thinking_ = in_thinking;
}

void ToolCallParser::begin_bare(std::string_view line_breaks, bool in_thinking) {
  begin_block(line_breaks, in_thinking);
  bare_ = true;
  fault(AnswerFault::start_tag_missing);
}

AnswerEvents ToolCallParser::take_events() { return std::exchange(ready_, {}); }

ToolCallParser::Step ToolCallParser::step(std::string_view pending, End end) {
  Step taken;
  switch (state_) {
    case State::between: taken = step_between(pending, end); break;
    case State::invoke_head: taken = step_invoke_head(pending, end); break;
    case State::in_invoke: taken = step_in_invoke(pending, end); break;
    case State::parameter_head: taken = step_parameter_head(pending, end); break;
    case State::value: taken = step_value(pending, end); break;
    case State::value_close: taken = step_value_close(pending, end); break;
    case State::doubt: taken = step_doubt(pending, end); break;
  }
  if (taken.used > 0) blanks_ = 0;
  if (restorable_) {
    raw_ += pending.substr(0, taken.used);
  } else {
    std::move(held_.deltas.begin(), held_.deltas.end(), std::back_inserter(ready_.deltas));
    std::move(held_.faults.begin(), held_.faults.end(), std::back_inserter(ready_.faults));
    held_ = {};
  }
  return taken;
}

ToolCallParser::Step ToolCallParser::to(State state, std::size_t used) {
  state_ = state;
  blanks_ = 0;
  return {.moved = true, .used = used};
}

ToolCallParser::Step ToolCallParser::leave(std::size_t used) {
  commit();
  return {.moved = true, .used = used, .left = true};
}

ToolCallParser::Step ToolCallParser::restore(std::size_t used, Restore what) {
  held_ = {};
  return {.moved = true, .used = used, .left = true, .restore = what};
}

// A call that was cut off before it said anything.
ToolCallParser::Step ToolCallParser::drop_call(std::size_t used) {
  fault(AnswerFault::truncated);
  return leave(used);
}

void ToolCallParser::commit() {
  restorable_ = false;
  raw_.clear();
}

void ToolCallParser::confirm_call() {
  if (confirmed_) return;
  confirmed_ = true;
  held_.deltas.push_back({.kind = AnswerDelta::Kind::call_start, .text = name_});
  if (!bare_) commit();
}

void ToolCallParser::close_call(bool complete) {
  confirm_call();
  builder_.finish(stray_, complete, held_);
  stray_.clear();
  commit();
}

void ToolCallParser::append_value(std::string_view text) {
  builder_.append_value(text, held_);
  value_empty_ = value_empty_ && text.empty();
}

std::size_t ToolCallParser::past_closing_tag(std::string_view pending, std::string_view tag, End end) {
  if (pending.size() == tag.size() && !end.reached) return 0;
  if (pending.size() > tag.size() && pending[tag.size()] == '>') return tag.size() + 1;
  fault(AnswerFault::end_tag_partial);
  return tag.size();
}

ToolCallParser::Step ToolCallParser::step_between(std::string_view pending, End end) {
  const std::size_t blanks = skip_blanks(pending, blanks_);
  if (blanks == pending.size() && !end.reached) {
    blanks_ = blanks;
    return {};
  }
  const std::string_view rest = pending.substr(blanks);
  const MarkerScan scan = tag_at_front(rest, relevant(kBetweenTags, in_thinking_));
  if (scan.match == MarkerMatch::partial && !end.reached) return {};
  if (scan.match == MarkerMatch::yes && scan.marker == marker::invoke_open) {
    restorable_ = true;
    confirmed_ = false;
    return to(State::invoke_head, blanks + scan.marker.size());
  }
  const bool block_ends = scan.match == MarkerMatch::yes && is_block_end(scan.marker);
  if (block_ends || scan.marker == marker::invoke_close || scan.marker == marker::parameter_close) {
    const std::size_t past = past_closing_tag(rest, scan.marker, end);
    if (past == 0) return {};
    if (block_ends) return leave(blanks + past);
    fault(AnswerFault::end_tag_stray);
    return to(State::between, blanks + past);
  }
  const bool cut_tag = scan.match == MarkerMatch::partial && is_cut_tag(rest);
  if (cut_tag) return drop_call(pending.size());
  const bool over = rest.empty() || scan.match == MarkerMatch::yes;
  if (over && !bare_) fault(AnswerFault::end_tag_missing);
  return leave(0);
}

ToolCallParser::Step ToolCallParser::step_invoke_head(std::string_view pending, End end) {
  const DsmlHead head = read_dsml_head(pending, DsmlTag::invoke);
  if (head.state == DsmlHead::State::waiting) {
    if (!end.reached) return {};
    return bare_ ? restore(0, Restore::tag) : drop_call(pending.size());
  }
  if (head.state == DsmlHead::State::broken || !head.has_name) return restore(0, Restore::tag);
  const auto offered = [&head](const Tool& tool) { return tool.name == head.name; };
  if (bare_ && !tools_.empty() && std::none_of(tools_.begin(), tools_.end(), offered)) return restore(0, Restore::tag);
  if (head.malformed) fault(AnswerFault::head_malformed);
  name_ = head.name;
  stray_.clear();
  builder_.begin(head.name);
  return to(State::in_invoke, head.length);
}

ToolCallParser::Step ToolCallParser::step_in_invoke(std::string_view pending, End end) {
  const MarkerScan scan = find_marker(pending, relevant(kCallTags, in_thinking_));
  if (scan.offset > 0) {
    stray_ += pending.substr(0, scan.offset);
    return to(State::in_invoke, scan.offset);
  }
  if (scan.match == MarkerMatch::yes) return call_tag(pending, scan.marker, end);
  if (!end.reached) return {};
  if (is_cut_tag(pending)) {
    fault(end.cut ? AnswerFault::truncated : AnswerFault::end_tag_partial);
  } else {
    stray_ += pending;
  }
  return end_inside_call(pending.size(), end.cut);
}

// A tag at the front of the text, inside a call and outside its values.
ToolCallParser::Step ToolCallParser::call_tag(std::string_view pending, std::string_view tag, End end) {
  if (tag == marker::end_of_sentence || tag == marker::think_end) return end_inside_call(0, false);
  if (tag == marker::parameter_open) {
    if (!is_blank(stray_)) fault(AnswerFault::text_in_call);
    stray_.clear();
    confirm_call();
    return to(State::parameter_head, tag.size());
  }
  if (tag == marker::invoke_close || tag == marker::parameter_close) {
    const std::size_t past = past_closing_tag(pending, tag, end);
    if (past == 0) return {};
    if (tag == marker::parameter_close) {
      fault(AnswerFault::end_tag_stray);
      return to(State::in_invoke, past);
    }
    close_call(true);
    return to(State::between, past);
  }
  if (bare_) return restore(0, Restore::tag);  // the next call or the block's end, and this one never closed
  fault(AnswerFault::end_tag_missing);
  close_call(true);
  return to(State::between, 0);
}

ToolCallParser::Step ToolCallParser::end_inside_call(std::size_t used, bool cut) {
  const bool stray = !is_blank(stray_);
  const bool is_prose = bare_ || (!confirmed_ && stray && !cut && !is_json_object(stray_));
  if (is_prose) return restore(used, Restore::text);
  if (!confirmed_ && cut) return drop_call(used);
  fault(cut ? AnswerFault::truncated : AnswerFault::end_tag_missing);
  if (!confirmed_ || !stray) {
    close_call(!cut);
    return leave(used);
  }
  // Words after the last parameter of a call that never closed are not the call's.
  std::string text = std::exchange(stray_, {});
  close_call(!cut);
  raw_ = std::move(text);
  return {.moved = true, .used = used, .left = true, .restore = Restore::afterword};
}

ToolCallParser::Step ToolCallParser::step_parameter_head(std::string_view pending, End end) {
  const DsmlHead head = read_dsml_head(pending, DsmlTag::parameter);
  if (head.state == DsmlHead::State::waiting) {
    if (!end.reached) return {};
    fault(AnswerFault::truncated);
    return to(State::in_invoke, pending.size());
  }
  if (head.malformed) fault(AnswerFault::head_malformed);
  if (head.state == DsmlHead::State::broken) return to(State::in_invoke, head.length);
  builder_.begin_value(head.name, head.string_flag, held_);
  value_empty_ = true;
  return to(State::value, head.length);
}

ToolCallParser::Step ToolCallParser::step_value(std::string_view pending, End end) {
  const MarkerScan scan = find_marker(pending, kValueTags);
  // A line break before a tag may belong to the tag, so it waits with it.
  const bool break_before = scan.offset > 0 && pending[scan.offset - 1] == '\n';
  const std::size_t sure = scan.offset - (break_before ? 1 : 0);
  if (sure > 0) {
    append_value(pending.substr(0, sure));
    return to(State::value, sure);
  }
  if (scan.match == MarkerMatch::yes) return value_tag(pending, scan.offset, scan.marker);
  if (!end.reached) return {};
  const bool cut_tag = scan.match == MarkerMatch::partial && is_cut_tag(pending.substr(scan.offset));
  append_value(cut_tag ? pending.substr(0, scan.offset) : pending);
  if (!end.cut) fault(cut_tag ? AnswerFault::end_tag_partial : AnswerFault::end_tag_missing);
  builder_.end_value(held_);
  return to(State::in_invoke, pending.size());
}

// A tag in a value, behind at most a line break.
ToolCallParser::Step ToolCallParser::value_tag(std::string_view pending, std::size_t offset, std::string_view tag) {
  if (tag == marker::parameter_close) {
    append_value(pending.substr(0, offset));
    builder_.end_value(held_);
    return to(State::value_close, offset + tag.size());
  }
  if (tag == marker::parameter_named || tag == marker::invoke_named) {
    // Only on a line of its own is it the next parameter; else the value quotes it.
    if (offset == 0 && !value_empty_) {
      append_value(tag);
      return to(State::value, tag.size());
    }
    fault(AnswerFault::end_tag_missing);
    builder_.end_value(held_);
    return to(State::in_invoke, offset);
  }
  doubted_ = pending.substr(0, offset + tag.size());
  doubted_tag_ = tag;
  return to(State::doubt, offset + tag.size());
}

ToolCallParser::Step ToolCallParser::step_value_close(std::string_view pending, End end) {
  if (pending.empty() && !end.reached) return {};
  if (!pending.empty() && pending.front() == '>') return to(State::in_invoke, 1);
  fault(AnswerFault::end_tag_partial);
  return to(State::in_invoke, 0);
}

// A value may quote </invoke> and the like. It is over there only if the answer, or the block, is over as well.
ToolCallParser::Step ToolCallParser::step_doubt(std::string_view pending, End end) {
  const bool bracket = doubted_tag_ != marker::end_of_sentence && doubted_.back() != '>' && !pending.empty() &&
                       pending.front() == '>' && doubted_.size() <= doubted_tag_.size() + 1;
  const std::size_t blanks = bracket ? 1 : skip_blanks(pending);
  if (blanks > 0) {
    doubted_ += pending.substr(0, blanks);
    return to(State::doubt, blanks);
  }
  if (pending.empty()) return end.reached ? end_doubted_value(0) : Step{};
  MarkerScan scan;
  if (doubted_tag_ == marker::invoke_close) scan = tag_at_front(pending, relevant(kAfterInvoke, in_thinking_));
  if (is_block_end(doubted_tag_)) scan = tag_at_front(pending, relevant(kAfterCalls, in_thinking_));
  if (scan.match == MarkerMatch::yes) return end_doubted_value(0);
  if (scan.match == MarkerMatch::partial) {
    if (!end.reached) return {};
    if (is_cut_tag(pending)) return end_doubted_value(pending.size());
  }
  append_value(doubted_);
  return to(State::value, 0);
}

ToolCallParser::Step ToolCallParser::end_doubted_value(std::size_t used) {
  fault(AnswerFault::end_tag_missing);
  builder_.end_value(held_);
  if (doubted_tag_ == marker::invoke_close) {
    close_call(true);
    return to(State::between, used);
  }
  if (bare_) {
    if (doubted_tag_ == marker::end_of_sentence) raw_.resize(raw_.size() - doubted_.size());
    return restore(used, Restore::text);
  }
  close_call(true);
  return leave(used);
}

}  // namespace fathom
