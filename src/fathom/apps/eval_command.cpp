// fathom eval: every figure of a model card, recomputed.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "fathom/apps/commands.h"
#include "fathom/apps/model_session.h"
#include "fathom/base/error.h"
#include "fathom/base/output_file.h"
#include "fathom/base/progress_bar.h"
#include "fathom/corpus/text_documents.h"
#include "fathom/evaluation/evaluation.h"
#include "fathom/evaluation/score_lines.h"

namespace fathom {
namespace {

// Of what was read: the questions on one long text begin the same, and the next text begins otherwise.
constexpr std::int64_t kSnapshotTokens = 1024;
constexpr std::int64_t kKeptBytes = std::int64_t{1} << 30;

struct EvalCommand {
  ModelOptions model;
  std::string suite;
  std::string score;
  std::string json;
  std::string answers;
  bool card = false;
  EvaluationOptions evaluation;
};

void run_score(const std::string& file) {
  TextLines lines(file);
  std::int64_t number = 0;
  for (std::string line; lines.next(line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    fmt::print("{}\n", score_line(line, fmt::format("{}:{}", file, number)));
  }
}

// A bar for the part that runs.
class PartBar {
 public:
  void show(std::string_view part, double share) {
    if (part != part_) {
      part_ = part;
      bar_.emplace(part_);
    }
    bar_->show(share);
  }
  void hide() {
    bar_.reset();
    part_.clear();
  }

 private:
  std::string part_;
  std::optional<ProgressBar> bar_;
};

void print_part(const PartFigures& figures, bool card) {
  for (const Table& table : figures.tables) fmt::print("{}\n", card ? markdown_table(table) : plain_table(table));
  std::fflush(stdout);
}

void write_json(const EvalCommand& command, const std::filesystem::path& suite, const std::vector<PartFigures>& parts) {
  nlohmann::ordered_json json{{"model", command.model.directory},
                              {"suite", suite.string()},
                              {"limit", command.evaluation.amount.limit},
                              {"scale", command.evaluation.amount.scale},
                              {"parts", nlohmann::ordered_json::object()}};
  for (const PartFigures& figures : parts) {
    nlohmann::ordered_json tables = nlohmann::ordered_json::array();
    for (const Table& table : figures.tables) tables.push_back(nlohmann::ordered_json::parse(json_table(table)));
    json["parts"][figures.part] = std::move(tables);
  }
  OutputFile file(command.json);
  file.write(json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  file.close();
  file.publish();
}

void run_eval(const EvalCommand& command) {
  if (!command.score.empty()) return run_score(command.score);
  if (command.model.directory.empty())
    throw InputError("[evaluation] found no --model, expected a checkpoint directory");
  const std::filesystem::path file = command.suite.empty()
                                         ? std::filesystem::path(command.model.directory) / "eval.toml"
                                         : std::filesystem::path(command.suite);
  const Suite suite = load_suite(file);
  ModelSession session(command.model);
  EngineConfig limits = session.engine().config();
  limits.max_batch_tokens = std::min<std::int64_t>(limits.max_batch_tokens, 512);  // all their logits are wanted
  const EvaluatedModel model{.transformer = session.transformer(),
                             .engine = session.engine(),
                             .tokenizer = session.tokenizer(),
                             .limits = limits,
                             .threads = command.model.backend.threads};
  AnswerLog log = command.answers.empty() ? AnswerLog() : AnswerLog(command.answers);
  PartBar bar;
  double seconds = 0.0;
  const EvaluationListener listener{.progress = [&](std::string_view part, double share) { bar.show(part, share); },
                                    .part =
                                        [&](const PartFigures& figures) {
                                          bar.hide();
                                          print_part(figures, command.card);
                                          seconds += figures.seconds;
                                          fmt::print(stderr, "{}: {:.0f} s\n", figures.part, figures.seconds);
                                        }};
  const std::vector<PartFigures> parts = evaluate(model, suite, command.evaluation, log, listener);
  log.finish();
  if (!command.json.empty()) write_json(command, file, parts);
  fmt::print(stderr, "{:.0f} s in all\n", seconds);
}

}  // namespace

void add_eval_command(CLI::App& program) {
  auto* command = program.add_subcommand("eval", "recompute every figure of a model card");
  command->footer(
      R"(The suite, MODEL/eval.toml unless --suite names another, says what is asked: bits per byte of held-out texts, dialogues
with checks, recall by distance, gaps in code. Answers are greedy, so that the figures are the same every time.

  fathom eval --model models/minnow                          # all of it
  fathom eval --model models/minnow --limit 20               # a first look
  fathom eval --model models/minnow --only dialogues --answers answers.jsonl
  fathom eval --model models/minnow --card --json card.json  # the tables as the card has them
  fathom eval --score answers.jsonl                          # lines {"check": {...}, "message": {...}}: no model is needed)");
  const auto options = std::make_shared<EvalCommand>();
  add_model_options(*command, options->model);
  options->model.engine.prefix = {.on = true, .minimum = 16, .interval = kSnapshotTokens, .bytes = kKeptBytes};
  command->get_option("--model")->required(false);
  command->add_option("--suite", options->suite, "TOML file that says what is asked (MODEL/eval.toml)");
  command
      ->add_option("--only", options->evaluation.only,
                   "parts to run: bits_per_byte, dialogues, recall, fill_in_the_middle")
      ->delimiter(',');
  command->add_option("--limit", options->evaluation.amount.limit, "ask at most so much of everything (0: all)")
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--scale", options->evaluation.amount.scale,
                   "so many times as many texts of recall and gaps in code (1)")
      ->check(CLI::Range(0.01, 1000.0));
  command->add_flag("!--no-prefix-cache", options->model.engine.prefix.on, "read every prompt from its beginning");
  command->add_flag("--card", options->card, "print Markdown tables");
  command->add_option("--json", options->json, "file to write every figure to");
  command->add_option("--answers", options->answers, "file to write every prompt, answer and verdict to, a line each");
  command->add_option("--score", options->score, "score the answers in this file instead");
  command->callback([options] { run_eval(*options); });
}

}  // namespace fathom
