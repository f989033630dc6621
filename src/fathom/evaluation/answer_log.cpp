#include "fathom/evaluation/answer_log.h"

#include "fathom/chat/json_text.h"

namespace fathom {

void AnswerLog::add(const std::vector<std::pair<std::string_view, std::string>>& members, bool right) {
  if (!file_) return;
  std::string line = "{";
  for (const auto& [key, value] : members) {
    append_json_string(line, key);
    line += ": ";
    append_json_string(line, value);
    line += ", ";
  }
  line += right ? "\"right\": true}\n" : "\"right\": false}\n";
  file_->write(line);
}

void AnswerLog::finish() {
  if (!file_) return;
  file_->close();
  file_->publish();
}

}  // namespace fathom
