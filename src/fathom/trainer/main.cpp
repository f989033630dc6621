#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include "fathom/base/error.h"
#include "fathom/trainer/bench.h"
#include "fathom/trainer/kernels/device.h"
#include "fathom/trainer/launch.h"
#include "fathom/trainer/ranks.h"
#include "fathom/trainer/stop_request.h"
#include "fathom/trainer/train.h"
#include "fathom/trainer/training_run.h"

namespace fathom::train {
namespace {

constexpr int kStopped = 3;

struct CommandLine {
  std::string recipe;
  std::vector<std::string> settings;
  std::string out;
  std::string device;
  std::int64_t threads = -1;
  std::int64_t ranks = 1;
  std::int64_t rank = -1;
  std::string rendezvous;
  double max_seconds = 0.0;
  std::string export_to;
  bool accept_changes = false;
  bool bench = false;
  bool kernels = false;
  bool eager = false;
  bool quiet = false;
};

void add_options(CLI::App& program, CommandLine& line) {
  program.add_option("recipe", line.recipe, "the run's TOML file")->required()->envname("FATHOM_RECIPE");
  program.add_option("--out", line.out, "the run's folder (the recipe's name, without .toml, here)")
      ->envname("FATHOM_OUT");
  program.add_option("--set", line.settings,
                     "KEY=VALUE in place of the recipe's, such as stages.0.tokens=100000; repeatable");
  program.add_option("--device", line.device, "auto, cpu or cuda, in place of the recipe's")->envname("FATHOM_DEVICE");
  program.add_option("--threads", line.threads, "compute threads, in place of the recipe's; 0: one per core")
      ->check(CLI::Range(0, 1024))
      ->envname("FATHOM_THREADS");
  program.add_option("--ranks", line.ranks, "processes that share each step's micro-batches (1)")
      ->check(CLI::Range(1, 1024));
  program
      .add_option("--max-seconds", line.max_seconds, "stop in time to have written the state and the release by then")
      ->check(CLI::NonNegativeNumber)
      ->envname("FATHOM_MAX_SECONDS");
  program.add_flag("--accept-changes", line.accept_changes,
                   "go on although the recipe is not the one the run began with");
  program.add_flag("--quiet", line.quiet, "print nothing but errors");
  program.add_option("--export", line.export_to,
                     "train nothing: write the newest state of --out to this folder, as released");
  program.add_flag("--bench", line.bench, "train nothing: measure each stage's speed here, against the device's peak");
  program.add_flag("--kernels", line.kernels, "with --bench: list the kernels that a step's time goes to");
  program.add_flag("--eager", line.eager,
                   "on a GPU: launch every kernel by itself instead of a step's as one recording");
  program.add_option("--rank", line.rank, "which of the ranks this process is (set by --ranks)")->group("");
  program.add_option("--rendezvous", line.rendezvous, "where ranks meet (set by --ranks)")->group("");
}

constexpr const char* kFooter =
    R"(The recipe says what is trained on what (recipes/smoke.toml explains every key); the run's folder gets
  state/         the newest two states; the same command goes on from the newest that is whole
  curve.csv      loss and what else was measured;  held_out.csv  the losses on text not trained on
  curves.svg     both, drawn anew during the run;  speed.csv  tokens per second
  export/        the model in the released format, at the end: fathom chat --model OUT/export

  fathom-train recipes/smoke.toml --out runs/smoke
  fathom-train recipes/smoke.toml --out runs/smoke --set stages.0.tokens=200000 --max-seconds 540
  fathom-train recipes/smoke.toml --out runs/smoke --export /tmp/smoke
  fathom-train recipes/smoke.toml --bench

Exit codes: 0 done, 1 the input was at fault, 2 bad usage, 3 stopped before the end (Ctrl-C, SIGTERM, --max-seconds) with
its state written, 70 a fault of fathom's own.)";

// A worker of OpenMP that spins while it waits takes the processor from the others: on a machine with anything else to
// do, two threads trained at 211 tokens a second spinning and at 3302 sleeping. OpenMP reads its environment when the
// program is loaded, so the program loads itself again.
void let_threads_sleep(char** words) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  ::setenv("OMP_WAIT_POLICY", "passive", 1);
  ::execv("/proc/self/exe", words);  // when that fails, slower is all it is
}

// Bits on a CPU depend on how many threads cut a sum; nothing here may depend on their timing.
void settle_threads(std::int64_t asked, std::int64_t ranks) {
  const auto cores = static_cast<std::int64_t>(std::thread::hardware_concurrency());
  const std::int64_t threads = asked > 0 ? asked : std::max<std::int64_t>(1, cores / ranks);
  at::set_num_threads(static_cast<int>(threads));
  at::globalContext().setDeterministicAlgorithms(true, true);
}

int run(const CommandLine& line, int count, char** words) {
  RunOptions options;
  options.recipe = load_recipe(line.recipe, line.settings);
  if (!line.device.empty()) options.recipe.device = line.device;
  if (line.threads >= 0) options.recipe.threads = line.threads;
  options.out = line.out.empty() ? std::filesystem::path(line.recipe).stem() : std::filesystem::path(line.out);
  options.max_seconds = line.max_seconds;
  options.accept_changes = line.accept_changes;
  options.quiet = line.quiet;
  if (line.ranks > 1 && line.rank < 0) {
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe");
    const int code = launch_ranks(self, {words + 1, words + count}, line.ranks);
    return code < 0 ? 128 - code : code;  // as a shell tells of a signal
  }
  settle_threads(options.recipe.threads, line.ranks);
  const torch::Device device = choose_device(options.recipe.device, std::max<std::int64_t>(line.rank, 0));
  if (device.is_cuda()) at::globalContext().setDeterministicAlgorithms(false, true);
  if (!line.eager) device::use_own_stream(device);
  if (line.bench) {
    bench(options.recipe, device, line.kernels);
    return 0;
  }
  if (!line.export_to.empty()) {
    std::vector<std::string> notes;
    const TrainingRun state(options, torch::kCPU, notes);
    for (const std::string& note : notes) fmt::print("fathom-train: {}\n", note);
    state.write_release(line.export_to);
    return 0;
  }
  const StopRequest stop;
  const Ranks ranks = line.rank < 0 ? Ranks() : Ranks(line.rank, line.ranks, line.rendezvous, device);
  return train(options, ranks, device, stop) == Outcome::finished ? 0 : kStopped;
}

}  // namespace
}  // namespace fathom::train

int main(int argc, char** argv) {
  fathom::train::let_threads_sleep(argv);
  CLI::App program{"fathom-train: trains DeepSeek-V4's architecture from token shards, as published."};
  program.name("fathom-train");
  program.footer(fathom::train::kFooter);
  program.failure_message(CLI::FailureMessage::help);
  fathom::train::CommandLine line;
  fathom::train::add_options(program, line);
  try {
    program.parse(argc, argv);
    return fathom::train::run(line, argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : 2;
  } catch (const fathom::InputError& error) {
    fmt::print(stderr, "fathom-train: {}\n", error.what());
    return 1;
  } catch (const c10::Error& error) {
    fmt::print(stderr, "fathom-train: this is our fault, please report it: {}\n", error.what_without_backtrace());
    return 70;
  } catch (const std::exception& error) {
    fmt::print(stderr, "fathom-train: this is our fault, please report it: {}\n", error.what());
    return 70;
  }
}
