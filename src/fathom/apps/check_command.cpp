#include <CLI/CLI.hpp>

#include <chrono>

#include "fathom/apps/backend_choice.h"
#include "fathom/apps/commands.h"
#include "fathom/apps/golden_check.h"
#include "fathom/checkpoint/checkpoint.h"
#include "fathom/spec/model_size.h"

namespace fathom {
namespace {

struct CheckOptions {
  std::string directory;
  BackendChoice backend;
  bool json = false;
};

void run_check(const CheckOptions& options) {
  const auto checkpoint = std::make_shared<const Checkpoint>(Checkpoint::open(options.directory));
  const auto goldens = find_goldens(options.directory);
  if (goldens.empty())
    throw InputError("[check] no goldens-*.safetensors lie beside the checkpoint in {}", options.directory);
  const auto backend = make_backend(options.backend, model_size(checkpoint->config()).stored.bytes);
  std::int64_t failed = 0;
  for (const auto& golden : goldens) {
    const auto start = std::chrono::steady_clock::now();
    Transformer transformer(checkpoint, *backend, {.storage = storage_of_golden(golden)});
    const GoldenReport report = check_golden(transformer, golden);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (!report.passed()) ++failed;
    if (options.json) {
      fmt::print("{}\n", report.json());
    } else {
      fmt::print("{}  {} backend, {:.1f} s\n", report.line(), backend->name(), seconds.count());
    }
  }
  if (failed > 0)
    throw InputError("[check] {} of {} goldens in {} do not agree", failed, goldens.size(), options.directory);
}

}  // namespace

void add_check_command(CLI::App& program) {
  auto* command = program.add_subcommand("check", "compare a checkpoint's answers with the goldens beside it");
  command->footer(
      R"(Runs every goldens-*.safetensors that lies beside the checkpoint: logits at every position, MTP logits, residual
streams, routed experts and indexed entries, each against the released reference. One line a golden; exit code 1 when
one does not agree. Bounds: smooth 1e-3 at most and 1e-5 on average, released (rounded cache) 5e-2 and 1e-4.

  fathom check models/sprat
  fathom check --backend reference models/sprat)");
  auto options = std::make_shared<CheckOptions>();
  command->add_option("directory", options->directory, "checkpoint directory")->required();
  add_backend_options(*command, options->backend);
  command->add_flag("--json", options->json, "one JSON object a golden");
  command->callback([options] { run_check(*options); });
}

}  // namespace fathom
