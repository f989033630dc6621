#include "tests/trainer/run_support.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "fathom/base/error.h"
#include "fathom/checkpoint/random_values.h"
#include "fathom/corpus/token_shard.h"

namespace fathom::train::testing {
namespace {

// Sentences of few words: a model of four small layers learns which follow which.
void write_rhymes(const std::filesystem::path& file, std::uint64_t seed, int documents) {
  constexpr std::string_view kLines[] = {"the cat sat on the mat. ", "a dog dug in the bog. ",
                                         "one hen ran to the men. ", "the sun is fun to run in. "};
  constexpr std::int32_t kFirstByte = 2;  // after the two tokens that begin and end
  RandomValues random(seed, "rhymes");
  TokenShardWriter writer(file, 512);
  for (int document = 0; document < documents; ++document) {
    std::vector<std::int32_t> ids{0};
    const std::int64_t lines = 1 + random.below(12);
    for (std::int64_t line = 0; line < lines; ++line)
      for (const char character : kLines[random.below(4)])
        ids.push_back(kFirstByte + static_cast<unsigned char>(character));
    ids.push_back(1);
    writer.add(ids);
  }
  writer.finish();
}

std::int64_t milliseconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

std::filesystem::path write_smoke(const std::filesystem::path& folder) {
  const std::filesystem::path recipes = std::filesystem::path(FATHOM_SOURCE) / "recipes";
  write_file(folder / "smoke.toml", read_file(recipes / "smoke.toml"));
  write_file(folder / "smoke.json", read_file(recipes / "smoke.json"));
  write_rhymes(folder / "train.shard", 1, 400);
  write_rhymes(folder / "held_out.shard", 2, 40);
  return folder / "smoke.toml";
}

TrainRan run_train(const std::vector<std::string>& words, int kill_after) {
  std::vector<std::string> all{(std::filesystem::path(FATHOM_PROGRAM).parent_path() / "fathom-train").string()};
  all.insert(all.end(), words.begin(), words.end());
  if (std::find(words.begin(), words.end(), "--threads") == words.end()) all.insert(all.end(), {"--threads", "1"});
  std::vector<char*> pointers;
  for (std::string& word : all) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  const auto begin = std::chrono::steady_clock::now();
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], 1);
    ::dup2(ends[1], 2);
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  TrainRan ran;
  bool killed = false;
  while (true) {
    const int wait = kill_after < 0 || killed
                         ? -1
                         : static_cast<int>(std::max<std::int64_t>(0, kill_after - milliseconds_since(begin)));
    pollfd ready{.fd = ends[0], .events = POLLIN, .revents = 0};
    const int count = ::poll(&ready, 1, wait);
    if (count == 0) {
      ::kill(child, SIGKILL);
      killed = true;
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    char buffer[4096];
    const ssize_t bytes = ::read(ends[0], buffer, sizeof buffer);
    if (bytes <= 0) break;
    ran.out.append(buffer, static_cast<std::size_t>(bytes));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  ran.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return ran;
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "fathom-train-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void write_file(const std::filesystem::path& file, std::string_view text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream stream(file, std::ios::binary | std::ios::trunc);
  stream << text;
  if (!stream.flush()) throw std::runtime_error("cannot write " + file.string());
}

std::string read_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + file.string());
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::string input_error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace fathom::train::testing
