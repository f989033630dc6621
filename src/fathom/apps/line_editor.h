// A line from a person: editing and history at a terminal, a plain read elsewhere.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "fathom/apps/interrupt.h"

namespace fathom {

class LineEditor {
 public:
  // `history_file` is read now and written after every line; empty: history lives in memory only. `interrupt` outlives
  // this.
  LineEditor(std::filesystem::path history_file, Interrupt& interrupt);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // None at the end of input; the empty string when Ctrl-C took the line back, and then interrupt.requested(). What was
  // requested before is cleared.
  std::optional<std::string> read(const std::string& prompt);
  bool interactive() const;

 private:
  struct Terminal;
  Interrupt& interrupt_;
  std::unique_ptr<Terminal> terminal_;  // null where standard input is no terminal
};

// Where this user's chat history is kept: $XDG_STATE_HOME/fathom/history or ~/.local/state/fathom/history.
std::filesystem::path default_history_file();

}  // namespace fathom
