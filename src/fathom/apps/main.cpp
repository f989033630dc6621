#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>

#include "fathom/apps/commands.h"
#include "fathom/backends/cpu/instruction_set.h"
#include "fathom/base/error.h"

namespace {

// An unknown word may also leave a required one missing. The word is what a person has to hear of, not what it lacks.
int say_why(const CLI::App& program, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return program.exit(error);  // --help, --version
  std::vector<std::string> unknown = program.remaining(true);
  if (unknown.empty()) return program.exit(error);
  std::reverse(unknown.begin(), unknown.end());  // ExtrasError takes them last first
  return program.exit(CLI::ExtrasError(unknown));
}

// What it is, and what --cpu-target may be here.
std::string version_text() {
  std::string text = "fathom " FATHOM_VERSION "\ncpu targets, best first:";
  for (const std::string& name : fathom::instruction_sets()) text += " " + name;
  return text;
}

}  // namespace

// Exit codes: 0 done, 1 the input or a check was at fault, 2 bad usage, 70 a fault of fathom's own.
int main(int argc, char** argv) {
  CLI::App program{"fathom: DeepSeek-V4 on the hardware at hand, exact and invariant."};
  program.name("fathom");
  program.set_version_flag("--version", version_text);
  program.set_config("--config", "", "read flags from a TOML file, a [section] per command")->envname("FATHOM_CONFIG");
  program.require_subcommand(1);
  program.failure_message(CLI::FailureMessage::help);
  fathom::add_inspect_command(program);
  fathom::add_random_command(program);
  fathom::add_tokenize_command(program);
  fathom::add_prompt_command(program);
  fathom::add_parse_command(program);
  fathom::add_check_command(program);
  fathom::add_logits_command(program);
  fathom::add_generate_command(program);
  fathom::add_chat_command(program);
  fathom::add_serve_command(program);
  fathom::add_keys_command(program);
  fathom::add_accounts_command(program);
  fathom::add_usage_command(program);
  fathom::add_corpus_command(program);
  fathom::add_train_command(program);
  fathom::add_eval_command(program);
  fathom::add_bench_command(program);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return say_why(program, error) == 0 ? 0 : 2;
  } catch (const fathom::InputError& error) {
    fmt::print(stderr, "fathom: {}\n", error.what());
    return 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "fathom: this is our fault, please report it: {}\n", error.what());
    return 70;
  }
  return 0;
}
