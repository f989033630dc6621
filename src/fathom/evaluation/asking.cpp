#include "fathom/evaluation/asking.h"

#include <map>
#include <utility>

namespace fathom {
namespace {

class Asking {
 public:
  Asking(const EvaluatedModel& model, std::vector<Question> questions)
      : model_(model), questions_(std::move(questions)), replies_(questions_.size()) {}
  // An exception leaves nothing behind in the engine.
  ~Asking() {
    for (const auto& [sequence, running] : running_) model_.engine.cancel(sequence);
  }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;

  std::vector<Reply> run(const std::function<void(std::int64_t)>& progress) {
    while (true) {
      while (next_ < questions_.size() && std::ssize(running_) < model_.limits.max_sequences) submit(next_++);
      if (running_.empty()) return std::move(replies_);
      for (const TokenEvent& event : model_.engine.step()) take(event);
      progress(complete_);
    }
  }

 private:
  struct Running {
    std::size_t question = 0;
    StreamDecoder decoder;
  };

  void submit(std::size_t index) {
    Question& question = questions_[index];
    GenerationRequest request{.prompt = std::move(question.prompt), .sampling = {}};
    request.sampling.temperature = 0.0;
    request.sampling.max_tokens = question.max_tokens;
    request.sampling.stop_tokens = {end_of_sentence()};
    const SequenceId sequence = model_.engine.submit(std::move(request));
    running_.emplace(sequence, Running{.question = index, .decoder = StreamDecoder(model_.tokenizer)});
  }

  void take(const TokenEvent& event) {
    const auto found = running_.find(event.sequence);
    check(found != running_.end(), "every sequence was asked here");
    if (event.finish == FinishReason::overloaded) throw InternalError("{}", event.fault);
    Reply& reply = replies_[found->second.question];
    ++reply.tokens;
    if (event.token.token != end_of_sentence()) reply.text += found->second.decoder.push(event.token.token);
    if (event.finish == FinishReason::none) return;
    reply.text += found->second.decoder.finish();
    reply.stopped = event.finish == FinishReason::stop;
    running_.erase(found);
    ++complete_;
  }

  std::int32_t end_of_sentence() const { return static_cast<std::int32_t>(model_.transformer.config().eos_token); }

  const EvaluatedModel& model_;
  std::vector<Question> questions_;
  std::vector<Reply> replies_;
  std::map<SequenceId, Running> running_;
  std::size_t next_ = 0;
  std::int64_t complete_ = 0;
};

}  // namespace

std::vector<Reply> ask(const EvaluatedModel& model, std::vector<Question> questions,
                       const std::function<void(std::int64_t)>& progress) {
  return Asking(model, std::move(questions)).run(progress);
}

}  // namespace fathom
