#include "fathom/chat/call_builder.h"

#include <algorithm>
#include <utility>

#include "fathom/chat/json_text.h"
#include "fathom/chat/marker_scan.h"

namespace fathom {
namespace {

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(skip_blanks(text));
  while (!text.empty() && std::string_view(" \t\n\r").find(text.back()) != std::string_view::npos)
    text.remove_suffix(1);
  return text;
}

}  // namespace

const Tool* CallBuilder::tool() const {
  const auto found =
      std::find_if(tools_.begin(), tools_.end(), [this](const Tool& each) { return each.name == name_; });
  return found == tools_.end() ? nullptr : &*found;
}

// Models now and then put all arguments into one parameter "arguments", a word they know from the prompt's own fallback
// and from other formats. A tool that declares such a parameter means it. "input" is too common a name to judge without
// knowing the tool.
bool CallBuilder::may_be_wrapper(std::string_view name) const {
  const Tool* known = tool();
  if (known == nullptr) return name == "arguments";
  const bool declared = std::find(known->parameters.begin(), known->parameters.end(), name) != known->parameters.end();
  return (name == "arguments" || name == "input") && !declared;
}

void CallBuilder::put(std::string text, AnswerEvents& events) {
  events.deltas.push_back({.kind = AnswerDelta::Kind::call_arguments, .text = std::move(text)});
}

void CallBuilder::begin(std::string name) {
  *this = CallBuilder(tools_);
  name_ = std::move(name);
}

void CallBuilder::begin_value(std::string name, std::optional<bool> string_flag, AnswerEvents& events) {
  if (wrapper_) {  // it has company, so it is a parameter like any other
    add(*wrapper_, events);
    wrapper_.reset();
  }
  in_value_ = true;
  const bool repeated = writer_.has(name);
  const bool wraps = writer_.empty() && may_be_wrapper(name);
  mode_ = repeated ? Mode::drop : wraps || string_flag != true ? Mode::collect : Mode::stream;
  value_ = {.name = std::move(name), .string_flag = string_flag, .text = {}};
  if (repeated) events.faults.push_back(AnswerFault::parameter_repeated);
  if (mode_ != Mode::stream) return;
  std::string text;
  writer_.begin_string(value_.name, text);
  put(std::move(text), events);
}

void CallBuilder::append_value(std::string_view text, AnswerEvents& events) {
  if (mode_ == Mode::collect) value_.text += text;
  if (mode_ != Mode::stream || text.empty()) return;
  std::string escaped;
  ArgumentsWriter::append_string(text, escaped);
  put(std::move(escaped), events);
}

void CallBuilder::end_value(AnswerEvents& events) {
  in_value_ = false;
  if (mode_ == Mode::stream) {
    std::string text;
    ArgumentsWriter::end_string(text);
    put(std::move(text), events);
  } else if (mode_ == Mode::collect) {
    if (writer_.empty() && may_be_wrapper(value_.name)) {
      wrapper_ = std::move(value_);
    } else {
      add(value_, events);
    }
  }
}

// JSON goes in as the model wrote it: its spacing and its digits are part of the answer.
void CallBuilder::add(const Value& value, AnswerEvents& events) {
  if (!value.string_flag) events.faults.push_back(AnswerFault::string_flag_missing);
  const bool as_json = value.string_flag != true && is_json(value.text);
  if (value.string_flag == false && !as_json) events.faults.push_back(AnswerFault::value_not_json);
  std::string text;
  if (as_json) {
    writer_.add_json(value.name, value.text, text);
  } else {
    writer_.add_string(value.name, value.text, text);
  }
  put(std::move(text), events);
}

void CallBuilder::open_wrapper(AnswerEvents& events) {
  Value value = std::move(*wrapper_);
  wrapper_.reset();
  const Tool* known = tool();
  if (is_json_object(value.text)) {
    events.faults.push_back(AnswerFault::arguments_wrapped);
    put(std::string(trimmed(value.text)), events);
    whole_ = true;
    return;
  }
  if (known != nullptr && known->parameters.size() == 1) {  // the tool has one parameter, and this is its value
    events.faults.push_back(AnswerFault::arguments_wrapped);
    value.name = known->parameters.front();
  }
  add(value, events);
}

void CallBuilder::finish(std::string_view bare, bool complete, AnswerEvents& events) {
  if (in_value_) end_value(events);
  bare = trimmed(bare);
  if (wrapper_) {
    open_wrapper(events);
  } else if (writer_.empty() && !bare.empty()) {
    events.faults.push_back(AnswerFault::arguments_bare);
    whole_ = is_json_object(bare);
    std::string text(bare);
    if (!whole_) {
      text.clear();
      writer_.add_string("arguments", bare, text);
    }
    put(std::move(text), events);
  } else if (!bare.empty()) {
    events.faults.push_back(AnswerFault::text_in_call);
  }
  if (!whole_) {
    std::string text;
    writer_.finish(text);
    put(std::move(text), events);
  }
  events.deltas.push_back({.kind = AnswerDelta::Kind::call_end, .text = {}, .complete = complete});
}

}  // namespace fathom
