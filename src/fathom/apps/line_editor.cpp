#include "fathom/apps/line_editor.h"

#include <histedit.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
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
  const Interrupt& interrupt;
  std::string prompt;

  static Terminal& of(EditLine* editor) {
    void* terminal = nullptr;
    el_get(editor, EL_CLIENTDATA, &terminal);
    return *static_cast<Terminal*>(terminal);
  }
  static char* prompt_of(EditLine* editor) { return of(editor).prompt.data(); }

  // The next character: 1, 0 at the end of input, -1 at Ctrl-C. libedit's own would sleep through a Ctrl-C that comes
  // just before it reads, and tries again after the first that comes in time.
  static int read_character(EditLine* editor, wchar_t* character) {
    std::mbstate_t state{};
    while (true) {
      char byte = 0;
      const int count = of(editor).read_byte(byte);
      if (count <= 0) return count;
      const std::size_t length = std::mbrtowc(character, &byte, 1, &state);
      if (length == 0 || length == 1) return 1;
      if (length == static_cast<std::size_t>(-1)) state = {};  // bytes that are no character are left out
    }
  }
  int read_byte(char& byte) const {
    while (true) {
      pollfd ready[] = {{STDIN_FILENO, POLLIN, 0}, {interrupt.descriptor(), POLLIN, 0}};
      if (::poll(ready, 2, -1) < 0) continue;  // a signal of another kind
      if (ready[1].revents != 0) return -1;
      const ssize_t count = ::read(STDIN_FILENO, &byte, 1);
      if (count >= 0 || (errno != EINTR && errno != EAGAIN)) return static_cast<int>(count);
    }
  }

  Terminal(std::filesystem::path file, const Interrupt& asked) : history_file(std::move(file)), interrupt(asked) {
    std::setlocale(LC_CTYPE, "C.UTF-8");  // so that a character is one key, whatever the environment says
    editor = el_init("fathom", stdin, stdout, stderr);
    history = history_init();
    if (editor == nullptr || history == nullptr) throw InternalError("[chat] the line editor did not start");
    HistEvent event;
    ::history(history, &event, H_SETSIZE, kHistoryLines);
    ::history(history, &event, H_SETUNIQUE, 1);
    if (!history_file.empty()) ::history(history, &event, H_LOAD, history_file.c_str());
    el_set(editor, EL_CLIENTDATA, this);
    el_set(editor, EL_GETCFN, &read_character);
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

LineEditor::LineEditor(std::filesystem::path history_file, Interrupt& interrupt) : interrupt_(interrupt) {
  if (isatty(STDIN_FILENO) != 0) terminal_ = std::make_unique<Terminal>(std::move(history_file), interrupt);
}

LineEditor::~LineEditor() = default;

bool LineEditor::interactive() const { return terminal_ != nullptr; }

std::optional<std::string> LineEditor::read(const std::string& prompt) {
  interrupt_.clear();
  if (terminal_ == nullptr) {
    std::string line;
    if (!std::getline(std::cin, line)) return std::nullopt;
    return line;
  }
  terminal_->prompt = prompt;
  int count = 0;
  const char* text = el_gets(terminal_->editor, &count);
  if (text == nullptr || count <= 0) {
    if (!interrupt_.requested()) return std::nullopt;
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
