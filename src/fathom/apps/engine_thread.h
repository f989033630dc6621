// An Engine on a thread of its own, as a Generator: first come, first served, without limits.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "fathom/engine/generator.h"

namespace fathom {

class EngineThread final : public Generator {
 public:
  explicit EngineThread(Engine& engine);
  ~EngineThread() override;
  std::variant<SequenceId, Refusal> submit(GenerationRequest request, std::shared_ptr<TokenSink> sink) override;
  void cancel(SequenceId id) override;
  GeneratorLoad load() const override;
  void drain() override;

 private:
  struct Running {
    std::shared_ptr<TokenSink> sink;
    std::int64_t prompt = 0;
    bool begun = false;
  };
  void run();

  Engine& engine_;
  mutable std::mutex mutex_;  // of all below, and of the engine
  std::condition_variable event_;
  std::map<SequenceId, Running> running_;
  GeneratorLoad load_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace fathom
