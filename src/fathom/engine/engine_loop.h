// An Engine on a thread of its own, as a Generator: a bounded queue before it, what clients left is forgotten within a
// step, and a fault ends the sequences it met and no other.
//
//   any thread                    the loop's thread
//   submit, cancel ──mail──▶ take mail, Engine::step, hand tokens to the sinks ──▶ …
//
// The engine is the loop's thread's alone; everything else is under one lock, which is never held while a step runs.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "fathom/engine/departures.h"
#include "fathom/engine/generator.h"

namespace fathom {

struct EngineLoopConfig {
  std::int64_t queue_limit = 256;    // requests that wait, beyond those that run
  std::int64_t user_limit = 64;      // requests of one user, waiting and running
  std::int64_t account_limit = 128;  // the same of an account, whose clients name its users as they like
  std::function<void(const std::string& fault)> on_fault = {};  // of the machine, for a log; on the loop's thread
};

class EngineLoop final : public Generator {
 public:
  // Nobody else uses the engine from now on.
  EngineLoop(Engine& engine, EngineLoopConfig config);
  // What still runs is dropped without a word.
  ~EngineLoop() override;
  std::variant<SequenceId, Refusal> submit(GenerationRequest request, std::shared_ptr<TokenSink> sink) override;
  void cancel_behind(SequenceId id, std::int64_t answered) override;
  GeneratorLoad load() const override;
  std::vector<BlockChoices> expert_choices() const override { return engine_.expert_choices(); }
  void drain() override;

 private:
  struct Held {
    std::shared_ptr<TokenSink> sink;
    std::string user;
    std::string account;
    std::int64_t read = 0;  // prompt tokens, as the sink was told
    bool answers = false;
  };
  struct Mail {
    std::vector<std::pair<SequenceId, GenerationRequest>> requests;
    std::vector<std::pair<SequenceId, std::int64_t>> cancelled;  // and what was answered

    bool empty() const { return requests.empty() && cancelled.empty(); }
  };

  std::optional<Refusal> refusal(const GenerationRequest& request) const;
  std::shared_ptr<TokenSink> forget(std::map<SequenceId, Held>::iterator held);
  void run();
  std::vector<TokenEvent> step(Mail mail);
  std::vector<TokenEvent> give_up(const std::exception& fault);
  void hand_over(const std::vector<TokenEvent>& events);

  Engine& engine_;
  const EngineLoopConfig config_;
  mutable std::mutex mutex_;  // of all below
  std::condition_variable arrival_;
  std::map<SequenceId, Held> held_;
  std::map<std::string, std::int64_t> of_user_;     // how many are held
  std::map<std::string, std::int64_t> of_account_;  // the same
  Mail mail_;
  SequenceId next_id_ = 0;
  EngineFigures figures_;  // after the last step
  Departures departures_;
  bool draining_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace fathom
