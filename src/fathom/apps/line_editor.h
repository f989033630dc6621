// A line from a person: editing and history at a terminal, a plain read elsewhere.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace fathom {

class LineEditor {
 public:
  // `history_file` is read now and written after every line; empty: history lives in memory only.
  explicit LineEditor(std::filesystem::path history_file);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // None at the end of input; the empty string when Ctrl-C took the line back.
  std::optional<std::string> read(const std::string& prompt);
  bool interactive() const;

 private:
  struct Terminal;
  std::unique_ptr<Terminal> terminal_;  // null where standard input is no terminal
};

// Where this user's chat history is kept: $XDG_STATE_HOME/fathom/history or ~/.local/state/fathom/history.
std::filesystem::path default_history_file();

}  // namespace fathom
