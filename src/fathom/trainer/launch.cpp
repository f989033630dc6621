#include "fathom/trainer/launch.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>

#include "fathom/base/error.h"

namespace fathom::train {
namespace {

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

pid_t start(const std::filesystem::path& program, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), program.string());
  Words words(std::move(arguments));
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) throw InputError("[ranks] cannot start a process: {}", std::strerror(errno));
  if (child > 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it ended before the line above
  ::execv(words.pointers[0], words.pointers.data());
  ::_exit(127);
}

}  // namespace

int launch_ranks(const std::filesystem::path& program, const std::vector<std::string>& arguments, std::int64_t ranks) {
  const Meeting meeting;
  std::map<pid_t, std::int64_t> running;
  // A signal to stop goes to the whole group at a terminal; a rank ends after its step and this process after them.
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigemptyset(&ignore.sa_mask);
  for (std::int64_t rank = 0; rank < ranks; ++rank) {
    std::vector<std::string> all = arguments;
    all.insert(all.end(), {"--rank", fmt::format("{}", rank), "--rendezvous", meeting.file().string()});
    running[start(program, std::move(all))] = rank;
  }
  struct sigaction before {};
  ::sigaction(SIGINT, &ignore, &before);
  int result = 0;
  while (!running.empty()) {
    int status = 0;
    const pid_t child = ::waitpid(-1, &status, 0);
    if (child < 0 && errno == EINTR) continue;
    if (child < 0) break;
    if (running.erase(child) == 0) continue;
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    if (code == 0 || result != 0) continue;
    result = code;
    // 3, stopped: the others stop at the same step. Any other code: they would wait for the one that is gone.
    if (code != 3)
      for (const auto& [other, rank] : running) ::kill(other, SIGKILL);
  }
  ::sigaction(SIGINT, &before, nullptr);
  return result;
}

}  // namespace fathom::train
