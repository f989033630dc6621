#include "fathom/apps/line_editor.h"

#include <histedit.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "fathom/base/error.h"

namespace fathom {
namespace {

constexpr int kHistoryLines = 1000;

}  // namespace

struct LineEditor::Terminal {
  EditLine* editor = nullptr;
  History* history = nullptr;
  std::filesystem::path history_file;
  std::string prompt;

  static char* prompt_of(EditLine* editor) {
    void* terminal = nullptr;
    el_get(editor, EL_CLIENTDATA, &terminal);
    return static_cast<Terminal*>(terminal)->prompt.data();
  }

  explicit Terminal(std::filesystem::path file) : history_file(std::move(file)) {
    std::setlocale(LC_CTYPE, "C.UTF-8");  // so that a character is one key, whatever the environment says
    editor = el_init("fathom", stdin, stdout, stderr);
    history = history_init();
    if (editor == nullptr || history == nullptr) throw InternalError("[chat] the line editor did not start");
    HistEvent event;
    ::history(history, &event, H_SETSIZE, kHistoryLines);
    ::history(history, &event, H_SETUNIQUE, 1);
    if (!history_file.empty()) ::history(history, &event, H_LOAD, history_file.c_str());
    el_set(editor, EL_CLIENTDATA, this);
    el_set(editor, EL_PROMPT, &prompt_of);
    el_set(editor, EL_EDITOR, "emacs");
    el_set(editor, EL_HIST, ::history, history);
    el_set(editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  }
  ~Terminal() {
    if (history != nullptr) history_end(history);
    if (editor != nullptr) el_end(editor);
  }

  void remember(const std::string& line) {
    HistEvent event;
    ::history(history, &event, H_ENTER, line.c_str());
    if (history_file.empty()) return;
    std::error_code ignored;  // a history that cannot be kept is no reason to stop
    std::filesystem::create_directories(history_file.parent_path(), ignored);
    ::history(history, &event, H_SAVE, history_file.c_str());
  }
};

LineEditor::LineEditor(std::filesystem::path history_file) {
  if (isatty(STDIN_FILENO) != 0) terminal_ = std::make_unique<Terminal>(std::move(history_file));
}

LineEditor::~LineEditor() = default;

bool LineEditor::interactive() const { return terminal_ != nullptr; }

std::optional<std::string> LineEditor::read(const std::string& prompt) {
  if (terminal_ == nullptr) {
    std::string line;
    if (!std::getline(std::cin, line)) return std::nullopt;
    return line;
  }
  terminal_->prompt = prompt;
  int count = 0;
  errno = 0;
  const char* text = el_gets(terminal_->editor, &count);
  if (text == nullptr || count <= 0) {
    if (errno != EINTR) return std::nullopt;
    el_reset(terminal_->editor);
    std::fputs("\n", stdout);
    return std::string();
  }
  std::string line(text, static_cast<std::size_t>(count));
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  if (!line.empty()) terminal_->remember(line);
  return line;
}

std::filesystem::path default_history_file() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state != '\0')
    return std::filesystem::path(state) / "fathom" / "history";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return std::filesystem::path(home) / ".local" / "state" / "fathom" / "history";
  return {};
}

}  // namespace fathom
