// One tool call put together from its parameters, as deltas. Values that cannot be judged before they are whole (JSON,
// values without a string flag, what may be a wrapper around the arguments) wait here; strings go out as they come.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/chat/answer.h"
#include "fathom/chat/arguments_writer.h"
#include "fathom/chat/message.h"

namespace fathom {

// Deltas and faults in the order in which they came about.
struct AnswerEvents {
  std::vector<AnswerDelta> deltas;
  std::vector<AnswerFault> faults;
};

class CallBuilder {
 public:
  // `tools` are the tools that were offered, if that is known; they must outlive the builder.
  explicit CallBuilder(std::span<const Tool> tools) : tools_(tools) {}

  void begin(std::string name);
  void begin_value(std::string name, std::optional<bool> string_flag, AnswerEvents& events);
  void append_value(std::string_view text, AnswerEvents& events);
  void end_value(AnswerEvents& events);
  // `bare` is the text that stood in place of parameters.
  void finish(std::string_view bare, bool complete, AnswerEvents& events);

  bool has_values() const { return !writer_.empty() || wrapper_ || in_value_; }

 private:
  enum class Mode { stream, collect, drop };
  struct Value {
    std::string name;
    std::optional<bool> string_flag;
    std::string text;
  };

  const Tool* tool() const;
  bool may_be_wrapper(std::string_view name) const;
  void add(const Value& value, AnswerEvents& events);
  void open_wrapper(AnswerEvents& events);
  void put(std::string text, AnswerEvents& events);

  std::span<const Tool> tools_;
  std::string name_;
  ArgumentsWriter writer_;
  bool in_value_ = false;
  Mode mode_ = Mode::stream;
  Value value_;
  std::optional<Value> wrapper_;  // the call's first value, if its name is a wrapper's
  bool whole_ = false;            // the arguments are already one complete object
};

}  // namespace fathom
