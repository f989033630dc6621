// fathom train: hands over to fathom-train, which alone links LibTorch.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "fathom/apps/commands.h"
#include "fathom/base/error.h"

namespace fathom {
namespace {

[[noreturn]] void run_train(std::vector<std::string> words) {
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "fathom-train";
  if (!std::filesystem::exists(program))
    throw InputError(
        "[train] {} is not there. The trainer needs LibTorch and is built when asked for: install libtorch-dev "
        "and libgloo-dev, then cmake -B build -DFATHOM_TRAINER=ON && cmake --build build",
        program.string());
  words.insert(words.begin(), program.string());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execv(pointers[0], pointers.data());
  throw InputError("[train] cannot start {}: {}", program.string(), std::strerror(errno));
}

}  // namespace

void add_train_command(CLI::App& program) {
  auto* command = program.add_subcommand("train", "train a model of this architecture (fathom train --help)");
  // Every word is fathom-train's own, --help too.
  command->prefix_command();
  command->set_help_flag();
  command->callback([command] { run_train(command->remaining()); });
}

}  // namespace fathom
