#include "tests/accounts/postgres_support.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "fathom/accounts/postgres_database.h"
#include "fathom/base/mapped_file.h"
#include "tests/accounts/ledger_support.h"

namespace fathom::testing {
namespace {

constexpr std::chrono::seconds kPatience{60};

// Debian keeps them apart by version; the newest.
std::filesystem::path program_folder() {
  std::vector<std::filesystem::path> found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", ignored))
    if (std::filesystem::exists(entry.path() / "bin" / "initdb")) found.push_back(entry.path() / "bin");
  return found.empty() ? std::filesystem::path() : *std::max_element(found.begin(), found.end());
}

const passwd* user_without_rights() {
  const passwd* user = ::getpwnam("postgres");
  return user == nullptr ? ::getpwnam("nobody") : user;
}

// As a user without rights where this process is root's; what it says goes to `log`.
pid_t spawn(const std::vector<std::string>& command, const std::filesystem::path& log) {
  const passwd* user = ::getuid() == 0 ? user_without_rights() : nullptr;
  const uid_t uid = user == nullptr ? 0 : user->pw_uid;
  const gid_t gid = user == nullptr ? 0 : user->pw_gid;
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const std::string log_file = log.string();
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGINT);
  const int out = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  if (user != nullptr && (::setgroups(0, nullptr) != 0 || ::setgid(gid) != 0 || ::setuid(uid) != 0)) ::_exit(126);
  ::prctl(PR_SET_PDEATHSIG, SIGINT);  // a change of user forgets it
  ::setenv("LC_ALL", "C", 1);
  ::execv(words[0], words.data());
  ::_exit(127);
}

}  // namespace

PostgresServer& PostgresServer::shared() {
  static PostgresServer server;
  return server;
}

PostgresServer::PostgresServer() {
  try {
    start();
  } catch (const std::exception& error) {
    why_not_ = error.what();
  }
}

void PostgresServer::start() {
  const std::filesystem::path programs = program_folder();
  if (programs.empty()) throw std::runtime_error("PostgreSQL is not installed (Debian's package postgresql)");
  std::string pattern = (quick_folder() / "fathom_postgres_XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = pattern;
  if (::getuid() == 0) {
    const passwd* user = user_without_rights();
    if (user == nullptr || ::chown(pattern.c_str(), user->pw_uid, user->pw_gid) != 0)
      throw std::runtime_error("there is no user to run PostgreSQL as");
  }
  const std::filesystem::path data = folder_ / "data";
  const std::filesystem::path log = std::filesystem::temp_directory_path() / (folder_.filename().string() + ".log");
  const pid_t making = spawn(
      {(programs / "initdb").string(), "--no-sync", "-A", "trust", "-U", "fathom", "-E", "UTF8", "-D", data.string()},
      log);
  int status = 0;
  ::waitpid(making, &status, 0);
  if (status != 0) throw std::runtime_error("initdb failed: " + read_text_file(log));
  server_ = spawn({(programs / "postgres").string(), "-D", data.string(), "-k", folder_.string(), "-c",
                   "listen_addresses=", "-c", "fsync=off"},
                  log);
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    try {
      accounts::open_postgres(address("postgres"));
      break;
    } catch (const std::exception& error) {
      if (std::chrono::steady_clock::now() > until)
        throw std::runtime_error(fmt::format("{}: {}", error.what(), read_text_file(log)));
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  std::filesystem::remove(log);
}

PostgresServer::~PostgresServer() {
  if (server_ > 0) {
    ::kill(server_, SIGINT);  // at once, and in order
    ::waitpid(server_, nullptr, 0);
  }
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

std::string PostgresServer::address(const std::string& database) const {
  return fmt::format("postgresql:///{}?host={}&user=fathom", database, folder_.string());
}

std::string PostgresServer::create_database() {
  const std::string name = fmt::format("test_{}", ++databases_);
  accounts::open_postgres(address("postgres"))->run("CREATE DATABASE " + name);
  return address(name);
}

}  // namespace fathom::testing
