// Every prompt, answer and verdict of an evaluation, a JSON object a line, to be read by a person.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fathom/base/output_file.h"

namespace fathom {

class AnswerLog {
 public:
  AnswerLog() = default;  // keeps nothing
  // InputError when the file cannot be made.
  explicit AnswerLog(const std::filesystem::path& file) : file_(file) {}

  // Members in this order; `right` comes last.
  void add(const std::vector<std::pair<std::string_view, std::string>>& members, bool right);
  // The whole file under its name.
  void finish();

 private:
  std::optional<OutputFile> file_;
};

}  // namespace fathom
