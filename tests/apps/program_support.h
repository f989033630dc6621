// For tests: the built program (FATHOM_PROGRAM), run with pipes or at a terminal of its own.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fathom::testing {

inline const std::filesystem::path kSprat = std::filesystem::path(FATHOM_SOURCE) / "models" / "sprat";

using Arguments = std::vector<std::string>;
// Variables of the program's environment besides this process's; all of FATHOM_* is removed first.
using Environment = std::map<std::string, std::string>;

struct Ran {
  int exit_code = -1;  // minus the signal when one ended it
  std::string out;
  std::string err;
};

Ran run_program(const Arguments& arguments, const std::string& input = "", const Environment& environment = {});

// The program on a pseudo-terminal. Everything it shows is kept; a test waits for text, never for time.
class TerminalProgram {
 public:
  explicit TerminalProgram(const Arguments& arguments, const Environment& environment = {});
  ~TerminalProgram();
  TerminalProgram(const TerminalProgram&) = delete;
  TerminalProgram& operator=(const TerminalProgram&) = delete;

  void send(std::string_view keys);
  // Reads until `text` was shown after the last text waited for; what was shown up to there. Throws when the program
  // ends or hangs first.
  std::string wait_for(std::string_view text);
  // Waits for the prompt, and until the terminal gives keys one by one: before that a key would mean something else.
  void wait_for_prompt();
  // Reads to the program's end; its exit code, minus the signal when one ended it.
  int wait_for_end();
  bool running();
  const std::string& shown() const { return shown_; }

 private:
  bool show_up_to(std::string_view text);
  bool read_some(int patience);

  int terminal_ = -1;
  pid_t child_ = -1;
  int status_ = 0;
  bool ended_ = false;
  std::string shown_;
  std::size_t looked_at_ = 0;
};

inline constexpr std::string_view kCtrlC = "\x03";
inline constexpr std::string_view kCtrlD = "\x04";

}  // namespace fathom::testing
