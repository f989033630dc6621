#include "fathom/trainer/launch.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <system_error>

#include "fathom/base/error.h"

namespace fathom::train {
namespace {

constexpr int kStoppedCode = 3;  // of a rank that ended before the end, its state written

// A folder for the rendezvous file, gone at the end.
class Meeting {
 public:
  Meeting() {
    std::string name = (std::filesystem::temp_directory_path() / "fathom-ranks-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw InputError("[ranks] cannot make a folder in {}: {}", std::filesystem::temp_directory_path().string(),
                       std::strerror(errno));
    folder_ = name;
  }
  ~Meeting() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Meeting(const Meeting&) = delete;
  Meeting& operator=(const Meeting&) = delete;
  std::filesystem::path file() const { return folder_ / "rendezvous"; }

 private:
  std::filesystem::path folder_;
};

// The words that exec takes, made before fork: the child allocates nothing.
struct Words {
  std::vector<std::string> words;
  std::vector<char*> pointers;
  explicit Words(std::vector<std::string> all) : words(std::move(all)) {
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
  }
};

// Signals that wait until they are asked for; as before at the end.
class HeldSignals {
 public:
  HeldSignals() {
    sigemptyset(&held_);
    for (const int signal : {SIGCHLD, SIGINT, SIGTERM}) sigaddset(&held_, signal);
    ::pthread_sigmask(SIG_BLOCK, &held_, &before_);
  }
  ~HeldSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  const sigset_t& before() const { return before_; }
  int wait() const {
    int signal = 0;
    return ::sigwait(&held_, &signal) == 0 ? signal : 0;
  }

 private:
  sigset_t held_;
  sigset_t before_;
};

pid_t start(const std::filesystem::path& program, std::vector<std::string> arguments, const HeldSignals& signals) {
  arguments.insert(arguments.begin(), program.string());
  Words words(std::move(arguments));
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) throw InputError("[ranks] cannot start a process: {}", std::strerror(errno));
  if (child > 0) return child;
  ::pthread_sigmask(SIG_SETMASK, &signals.before(), nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it ended before the line above
  ::execv(words.pointers[0], words.pointers.data());
  ::_exit(127);
}

using Running = std::map<pid_t, std::int64_t>;  // to the rank

void send(const Running& running, int signal) {
  for (const auto& [child, rank] : running) ::kill(child, signal);
}

// Takes those that have ended out of `running`; the first code that is not 0 becomes `result`.
void collect(Running& running, int& result) {
  int status = 0;
  for (pid_t child = 0; (child = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (running.erase(child) == 0) continue;
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    if (code == 0 || result != 0) continue;
    result = code;
    // Stopped: the others stop at the same step. Any other code: they would wait for the one that is gone.
    if (code != kStoppedCode) send(running, SIGKILL);
  }
}

}  // namespace

int launch_ranks(const std::filesystem::path& program, const std::vector<std::string>& arguments, std::int64_t ranks) {
  const Meeting meeting;
  const HeldSignals signals;
  Running running;
  for (std::int64_t rank = 0; rank < ranks; ++rank) {
    std::vector<std::string> all = arguments;
    all.insert(all.end(), {"--rank", fmt::format("{}", rank), "--rendezvous", meeting.file().string()});
    running[start(program, std::move(all), signals)] = rank;
  }
  int result = 0;
  while (!running.empty()) {
    const int signal = signals.wait();
    // A terminal sends Ctrl-C to the ranks itself; what is sent to this process alone is handed on.
    if (signal == SIGTERM) send(running, SIGTERM);
    collect(running, result);
  }
  return result;
}

}  // namespace fathom::train
