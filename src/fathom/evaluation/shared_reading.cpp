#include "fathom/evaluation/shared_reading.h"

#include <algorithm>
#include <span>

#include "fathom/engine/sampler.h"

namespace fathom {
namespace {

using Ids = std::vector<std::int32_t>;

// How many tokens all prompts begin with; each goes on behind them.
std::int64_t common_tokens(const std::vector<Question>& questions) {
  const Ids& first = questions.front().prompt;
  auto common = std::ssize(first) - 1;
  for (const Question& question : questions) {
    check(!question.prompt.empty(), "a prompt has tokens");
    common = std::min(common, std::ssize(question.prompt) - 1);
    common = std::mismatch(first.begin(), first.begin() + common, question.prompt.begin()).first - first.begin();
  }
  return common;
}

class SharedReading {
 public:
  explicit SharedReading(const EvaluatedModel& model) : model_(model), text_(model.transformer.make_cache()) {}

  void read(std::span<const std::int32_t> tokens, const std::function<void(std::int64_t)>& progress) {
    while (text_.tokens() < std::ssize(tokens)) {
      const auto rest = tokens.subspan(static_cast<std::size_t>(text_.tokens()));
      const auto count = std::min(model_.limits.max_batch_tokens, std::ssize(rest));
      const BatchRun run{.cache = &text_, .ids = rest.first(static_cast<std::size_t>(count)), .logits_from = count};
      model_.transformer.forward({&run, 1});
      progress(text_.tokens());
    }
  }

  std::vector<Reply> answer(const std::vector<Question>& questions) {
    for (const Question& question : questions)
      open_.push_back({.cache = text_.copied(model_.transformer.backend()),
                       .waiting = {question.prompt.begin() + text_.tokens(), question.prompt.end()},
                       .left = question.max_tokens,
                       .decoder = StreamDecoder(model_.tokenizer),
                       .reply = {}});
    while (step()) {
    }
    std::vector<Reply> replies;
    for (Answering& answering : open_) replies.push_back(std::move(answering.reply));
    return replies;
  }

 private:
  struct Answering {
    SequenceCache cache;
    Ids waiting;  // tokens the model has not read
    std::int64_t left = 0;
    StreamDecoder decoder;
    Reply reply;
  };

  // One token of every open answer; false when none is open.
  bool step() {
    std::vector<BatchRun> batch;
    std::vector<Answering*> asked;
    for (Answering& answering : open_) {
      if (answering.left == 0) continue;
      asked.push_back(&answering);
      batch.push_back(
          {.cache = &answering.cache, .ids = answering.waiting, .logits_from = std::ssize(answering.waiting) - 1});
    }
    if (batch.empty()) return false;
    const auto logits = model_.transformer.forward(batch);
    SamplingParams greedy;
    greedy.temperature = 0.0;
    std::vector<float> row(static_cast<std::size_t>(model_.limits.sampled_vocab));
    for (std::size_t index = 0; index < asked.size(); ++index) {
      model_.transformer.backend().download(
          reinterpret_cast<const std::byte*>(logits[static_cast<std::int64_t>(index)].data()),
          std::as_writable_bytes(std::span(row)));
      take(*asked[index], sample(row, greedy, asked[index]->cache.tokens()).token);
    }
    return true;
  }

  void take(Answering& answering, std::int32_t token) {
    Reply& reply = answering.reply;
    ++reply.tokens;
    --answering.left;
    answering.waiting = {token};
    reply.stopped = token == static_cast<std::int32_t>(model_.transformer.config().eos_token);
    if (reply.stopped) answering.left = 0;
    if (!reply.stopped) reply.text += answering.decoder.push(token);
    if (answering.left == 0) reply.text += answering.decoder.finish();
  }

  const EvaluatedModel& model_;
  SequenceCache text_;
  std::vector<Answering> open_;
};

}  // namespace

std::vector<Reply> ask_on_one_text(const EvaluatedModel& model, const std::vector<Question>& questions,
                                   const std::function<void(std::int64_t)>& progress) {
  if (questions.empty()) return {};
  SharedReading reading(model);
  const auto common = static_cast<std::size_t>(common_tokens(questions));
  reading.read(std::span(questions.front().prompt).first(common), progress);
  return reading.answer(questions);
}

}  // namespace fathom
