#include "tests/apps/program_support.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <thread>

namespace fathom::testing {
namespace {

constexpr int kPatience = 15000;  // milliseconds: only a hanging program takes so long

// What exec takes: made before fork, so that the child allocates nothing.
class CommandLine {
 public:
  CommandLine(const Arguments& arguments, const Environment& environment) {
    words_.emplace_back(FATHOM_PROGRAM);
    words_.insert(words_.end(), arguments.begin(), arguments.end());
    for (char** variable = environ; *variable != nullptr; ++variable)
      if (std::strncmp(*variable, "FATHOM_", 7) != 0) variables_.emplace_back(*variable);
    variables_.emplace_back("FATHOM_LEDGER=none");  // whose machine this is has keys of its own
    for (const auto& [name, value] : environment) {
      std::erase_if(variables_, [&](const std::string& variable) { return variable.starts_with(name + "="); });
      variables_.push_back(name + "=" + value);
    }
    for (std::string& word : words_) argv_.push_back(word.data());
    for (std::string& variable : variables_) envp_.push_back(variable.data());
    argv_.push_back(nullptr);
    envp_.push_back(nullptr);
  }
  [[noreturn]] void exec() {
    ::execve(argv_[0], argv_.data(), envp_.data());
    ::_exit(127);
  }

 private:
  std::vector<std::string> words_;
  std::vector<std::string> variables_;
  std::vector<char*> argv_;
  std::vector<char*> envp_;
};

class TerminalClosed : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status); }

struct Pipe {
  int ends[2] = {-1, -1};
  Pipe() {
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_end(int end) {
    if (ends[end] >= 0) ::close(ends[end]);
    ends[end] = -1;
  }
  void read_all(std::string& text) {
    char buffer[4096];
    for (ssize_t count = 0; (count = ::read(ends[0], buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<std::size_t>(count));
  }
};

}  // namespace

Ran run_program(const Arguments& arguments, const std::string& input, const Environment& environment) {
  Pipe in;
  Pipe out;
  Pipe err;
  CommandLine command(arguments, environment);
  std::signal(SIGPIPE, SIG_IGN);  // a program may end before it has read its input
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("no process");
  if (child == 0) {
    ::dup2(in.ends[0], 0);
    ::dup2(out.ends[1], 1);
    ::dup2(err.ends[1], 2);
    command.exec();
  }
  in.close_end(0);
  out.close_end(1);
  err.close_end(1);
  Ran ran;
  std::thread writer([&] {
    for (std::size_t written = 0; written < input.size();) {
      const ssize_t count = ::write(in.ends[1], input.data() + written, input.size() - written);
      if (count <= 0) break;
      written += static_cast<std::size_t>(count);
    }
    in.close_end(1);
  });
  std::thread reader([&] { err.read_all(ran.err); });
  out.read_all(ran.out);
  writer.join();
  reader.join();
  int status = 0;
  ::waitpid(child, &status, 0);
  ran.exit_code = code_of(status);
  return ran;
}

TerminalProgram::TerminalProgram(const Arguments& arguments, const Environment& environment) {
  Environment with_terminal = environment;
  with_terminal.try_emplace("TERM", "xterm");
  CommandLine command(arguments, with_terminal);
  winsize size{};
  size.ws_row = 24;
  size.ws_col = 200;
  child_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
  if (child_ < 0) throw std::runtime_error("no terminal");
  if (child_ == 0) command.exec();
}

TerminalProgram::~TerminalProgram() {
  if (running()) {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, &status_, 0);
  }
  ::close(terminal_);
}

void TerminalProgram::send(std::string_view keys) {
  if (::write(terminal_, keys.data(), keys.size()) != static_cast<ssize_t>(keys.size()))
    throw std::runtime_error("the terminal takes no keys");
}

// Whether something came in so many milliseconds; throws at the program's end.
bool TerminalProgram::read_some(int patience) {
  pollfd ready{.fd = terminal_, .events = POLLIN, .revents = 0};
  if (::poll(&ready, 1, patience) <= 0) return false;
  char buffer[4096];
  const ssize_t bytes = ::read(terminal_, buffer, sizeof buffer);
  if (bytes <= 0) throw TerminalClosed("the program closed the terminal; shown: " + shown_);  // EIO
  shown_.append(buffer, static_cast<std::size_t>(bytes));
  return true;
}

bool TerminalProgram::show_up_to(std::string_view text) {
  const std::size_t place = shown_.find(text, looked_at_);
  if (place != std::string::npos) looked_at_ = place + text.size();
  return place != std::string::npos;
}

std::string TerminalProgram::wait_for(std::string_view text) {
  const std::size_t from = looked_at_;
  while (!show_up_to(text))
    if (!read_some(kPatience))
      throw std::runtime_error(fmt::format("nothing came for {} ms; shown: {}", kPatience, shown_));
  return shown_.substr(from, looked_at_ - from);
}

void TerminalProgram::wait_for_prompt() {
  wait_for("> ");
  for (int waited = 0; waited < kPatience; ++waited) {
    termios mode{};
    if (::tcgetattr(terminal_, &mode) == 0 && (mode.c_lflag & ICANON) == 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  throw std::runtime_error("the program never read keys; shown: " + shown_);
}

int TerminalProgram::wait_for_end() {
  try {
    while (read_some(kPatience)) {
    }
    throw std::runtime_error("the program does not end; shown: " + shown_);
  } catch (const TerminalClosed&) {
  }
  if (!ended_) ::waitpid(child_, &status_, 0);
  ended_ = true;
  return code_of(status_);
}

bool TerminalProgram::running() {
  if (!ended_ && ::waitpid(child_, &status_, WNOHANG) == child_) ended_ = true;
  return !ended_;
}

}  // namespace fathom::testing
