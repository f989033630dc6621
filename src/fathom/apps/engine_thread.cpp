#include "fathom/apps/engine_thread.h"

namespace fathom {

EngineThread::EngineThread(Engine& engine) : engine_(engine), thread_([this] { run(); }) {}

EngineThread::~EngineThread() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    event_.notify_all();
  }
  thread_.join();
}

std::variant<SequenceId, Refusal> EngineThread::submit(GenerationRequest request, std::shared_ptr<TokenSink> sink) {
  const std::scoped_lock lock(mutex_);
  if (load_.draining) return Refusal{Refusal::Reason::draining, "The server is about to end", 5.0};
  const auto prompt = std::ssize(request.prompt);
  const SequenceId id = engine_.submit(std::move(request));
  running_.emplace(id, Running{std::move(sink), prompt});
  event_.notify_all();
  return id;
}

void EngineThread::cancel(SequenceId id) {
  const std::scoped_lock lock(mutex_);
  engine_.cancel(id);
  running_.erase(id);
}

GeneratorLoad EngineThread::load() const {
  const std::scoped_lock lock(mutex_);
  GeneratorLoad load = load_;
  load.running = std::ssize(running_);
  return load;
}

void EngineThread::drain() {
  const std::scoped_lock lock(mutex_);
  load_.draining = true;
}

void EngineThread::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    event_.wait(lock, [this] { return stopping_ || !running_.empty(); });
    if (stopping_) return;
    const auto events = engine_.step();
    ++load_.steps;
    for (auto& [id, running] : running_)
      if (!running.begun) running.sink->on_progress(engine_.tokens_read(id));
    for (const TokenEvent& event : events) {
      const auto found = running_.find(event.sequence);
      if (found == running_.end()) continue;
      found->second.begun = true;
      ++load_.sampled_tokens;
      found->second.sink->on_token(event);
      if (event.finish != FinishReason::none) running_.erase(found);
    }
    lock.unlock();
    std::this_thread::yield();
    lock.lock();
  }
}

}  // namespace fathom
