#include "fathom/trainer/train.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "fathom/base/error.h"
#include "fathom/trainer/anticipation.h"
#include "fathom/trainer/held_out.h"
#include "fathom/trainer/progress.h"
#include "fathom/trainer/train_step.h"
#include "fathom/trainer/training_run.h"

namespace fathom::train {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

constexpr double kDrawSeconds = 20.0;  // between two drawings of the curves

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

class Loop {
 public:
  Loop(const RunOptions& options, const Ranks& ranks, torch::Device device, const StopRequest& stop)
      : options_(options),
        recipe_(options.recipe),
        ranks_(ranks),
        device_(device),
        stop_(stop),
        compute_(choose_compute(options.recipe.compute, device)),
        progress_(options.quiet || !ranks.first()),
        run_(options, device, notes_),
        step_(run_.parameters(), run_.optimizer(), ranks),
        token_bytes_(token_bytes(options.recipe.tokenizer, run_.config().vocab)) {
    for (const std::string& note : notes_) progress_.line(fmt::format("fathom-train: {}", note));
    for (const Stage& stage : recipe_.stages)
      if (stage.micro_batches % ranks.size() != 0)
        throw InputError("[train] stage {} has {} micro-batches a step, expected a multiple of the {} ranks",
                         stage.name, stage.micro_batches, ranks.size());
    if (ranks_.first()) log_.emplace(options.out, run_.place().lengths);
    earlier_seconds_ = run_.place().seconds;
  }

  Outcome run() {
    RunPlace& place = run_.place();
    while (place.stage < std::ssize(recipe_.stages)) {
      if (!run_stage(recipe_.stages[static_cast<std::size_t>(place.stage)])) {
        finish_files();
        progress_.line(fmt::format("fathom-train: stopped after step {} of {}; the same command goes on", place.step,
                                   recipe_.steps()));
        return Outcome::stopped;
      }
    }
    finish_files();
    progress_.line(fmt::format("fathom-train: done, {} steps; {}", place.step, (options_.out / "export").string()));
    return Outcome::finished;
  }

 private:
  // False when it was stopped before its end.
  bool run_stage(const Stage& stage) {
    RunPlace& place = run_.place();
    run_.optimizer().train(trained_part(stage));
    StepReader reader({.stream = {.parts = stage.mixture,
                                  .length = stage.length,
                                  .seed = static_cast<std::uint64_t>(recipe_.seed + place.stage)},
                       .place = place.rows,
                       .rows = stage.rows,
                       .micro_batches = stage.micro_batches,
                       .rank = ranks_.rank(),
                       .ranks = ranks_.size(),
                       .steps = stage.steps() - place.stage_step,
                       .config = run_.config(),
                       .device = device_,
                       .token_bytes = token_bytes_});
    Anticipation ahead(reader, stage.anticipate, stage.steps() - place.stage_step);
    ahead.restore(run_.take_routes(), ranks_);
    const HeldOutSet held_out({.recipe = recipe_.held_out,
                               .length = stage.length,
                               .rows = stage.rows,
                               .config = run_.config(),
                               .device = device_,
                               .token_bytes = token_bytes_},
                              ranks_);
    block_begin_ = Clock::now();
    while (true) {
      one_step(stage, ahead);
      const bool last = place.stage_step == stage.steps();
      if (place.step % recipe_.log_every == 0 || last) log_line(stage);
      if (last || (recipe_.held_out.every > 0 && place.step % recipe_.held_out.every == 0)) evaluate(stage, held_out);
      progress_.bar(place.step, recipe_.steps());
      if (last) {
        ++place.stage;
        place.stage_step = 0;
        place.rows.clear();
      }
      const bool stopping = !last && asked_to_stop();
      if (last || stopping || state_is_due()) save(stage, ahead);
      if (last || stopping) return last;
    }
  }

  void one_step(const Stage& stage, Anticipation& ahead) {
    const Clock::time_point begin = Clock::now();
    RunPlace& place = run_.place();
    const StepSettings settings = step_settings(recipe_, stage, place.stage_step, compute_);
    const AnticipatedStep due = ahead.next(step_.transformer(), settings.loss.forward);
    run_.meters().add(step_.run(due.rows, settings, due.routes));
    learning_rate_ = settings.sizes.learning_rate;
    ++place.step;
    ++place.stage_step;
    place.targets += due.rows.target_count;
    place.rows = due.rows.place;
    longest_step_ = std::max(longest_step_, seconds_since(begin));
  }

  void log_line(const Stage& stage) {
    const RunPlace& place = run_.place();
    const std::int64_t steps = run_.meters().steps();
    CurvePoint point{
        .step = place.step, .stage = stage.name, .targets = place.targets, .learning_rate = learning_rate_};
    run_.meters().take(point);
    if (!std::isfinite(point.loss) || !std::isfinite(point.gradient_norm))
      throw InputError(
          "[train] at step {} the loss is {} and the norm of its gradients {}; the last state is whole, a "
          "lower learning rate may help",
          place.step, point.loss, point.gradient_norm);
    const double elapsed = seconds_since(block_begin_);
    block_begin_ = Clock::now();
    const double speed = static_cast<double>(steps * stage.tokens_per_step()) / std::max(elapsed, 1e-9);
    std::int64_t tokens_left = (stage.steps() - place.stage_step) * stage.tokens_per_step();
    for (std::size_t later = static_cast<std::size_t>(place.stage) + 1; later < recipe_.stages.size(); ++later)
      tokens_left += recipe_.stages[later].steps() * recipe_.stages[later].tokens_per_step();
    progress_.line(progress_line(point, {.steps = recipe_.steps(),
                                         .tokens_per_second = speed,
                                         .seconds_left = static_cast<double>(tokens_left) / speed}));
    if (!log_) return;
    log_->add(point);
    log_->add(SpeedPoint{.step = place.step, .seconds = elapsed, .tokens_per_second = speed});
    log_->draw(title(), seconds(static_cast<std::int64_t>(kDrawSeconds)));
  }

  void evaluate(const Stage& stage, const HeldOutSet& held_out) {
    const Clock::time_point begin = Clock::now();
    const ForwardOptions forward = step_settings(recipe_, stage, 0, compute_).loss.forward;
    for (HeldOutPoint& point : held_out.evaluate(step_.transformer(), forward, ranks_)) {
      point.step = run_.place().step;
      const std::string bits = point.bits_per_byte > 0.0 ? fmt::format(" ({:.3f} bits/byte)", point.bits_per_byte) : "";
      progress_.line(fmt::format("  held out, {}: loss {:.4f}{}", point.name, point.loss, bits));
      if (log_) log_->add(point);
    }
    block_begin_ += Clock::now() - begin;  // speed is that of training
  }

  // Ranks agree on what a clock or a signal says at the ends of blocks, where the host waits anyway.
  bool may_decide() { return ranks_.size() == 1 || run_.place().step % recipe_.log_every == 0; }

  bool asked_to_stop() {
    if (!may_decide()) return false;
    // Time for one more block of steps, a state and the release must be left.
    const double block = longest_step_ * (ranks_.size() == 1 ? 1.0 : static_cast<double>(recipe_.log_every));
    const double reserve = 2.0 + block + 4.0 * longest_save_;
    const bool late = options_.max_seconds > 0.0 && seconds_since(options_.begin) + reserve > options_.max_seconds;
    return ranks_.any(late || stop_.requested());
  }

  bool state_is_due() {
    if (recipe_.checkpoint_steps > 0 && run_.place().step % recipe_.checkpoint_steps == 0) return true;
    if (!may_decide() || recipe_.checkpoint_minutes <= 0.0) return false;
    return ranks_.any(seconds_since(saved_) > 60.0 * recipe_.checkpoint_minutes);
  }

  void save(const Stage& stage, const Anticipation& ahead) {
    const Clock::time_point begin = Clock::now();
    if (!run_.meters().finite())
      throw InputError("[train] at step {} the loss is not a number; the last state is whole", run_.place().step);
    const NamedTensors routes = ahead.state(ranks_, stage.micro_batches);
    RunPlace& place = run_.place();
    place.anticipated = ahead.waiting();
    place.seconds = earlier_seconds_ + seconds_since(options_.begin);
    if (log_) {
      place.lengths = log_->sync();
      run_.save(routes);
    }
    saved_ = Clock::now();
    longest_save_ = std::max(longest_save_, seconds_since(begin));
    block_begin_ += Clock::now() - begin;
  }

  void finish_files() {
    if (!log_) return;
    log_->draw(title(), seconds(0));
    if (recipe_.plain_residuals) {
      progress_.line("fathom-train: a network of plain residuals has no released form: nothing is exported");
    } else {
      run_.write_release(options_.out / "export");
    }
  }

  std::string title() const { return recipe_.file.filename().string(); }

  const RunOptions& options_;
  const Recipe& recipe_;
  const Ranks& ranks_;
  torch::Device device_;
  const StopRequest& stop_;
  torch::ScalarType compute_;
  Progress progress_;
  std::vector<std::string> notes_;
  TrainingRun run_;
  TrainStep step_;
  std::vector<std::int32_t> token_bytes_;
  std::optional<RunLog> log_;  // the first rank's
  double learning_rate_ = 0.0;
  double earlier_seconds_ = 0.0;
  double longest_step_ = 0.0;
  double longest_save_ = 0.0;
  Clock::time_point block_begin_ = Clock::now();
  Clock::time_point saved_ = Clock::now();
};

}  // namespace

Outcome train(const RunOptions& options, const Ranks& ranks, torch::Device device, const StopRequest& stop) {
  return Loop(options, ranks, device, stop).run();
}

}  // namespace fathom::train
