#include "fathom/evaluation/bits_per_byte.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <numeric>
#include <vector>

#include "fathom/base/thread_pool.h"
#include "fathom/corpus/text_documents.h"

namespace fathom {
namespace {

using Ids = std::vector<std::int32_t>;

// The windows of a file, in order.
class Windows {
 public:
  Windows(const EvaluatedModel& model, const TextOptions& options)
      : model_(model), options_(options), documents_(options.file) {}

  bool next(Ids& window) {
    while (next_ >= std::ssize(ids_)) {
      if (options_.documents > 0 && count_ == options_.documents) return false;
      if (!read_document()) return false;
    }
    const auto length = std::min(options_.window, std::ssize(ids_) - next_);
    window.assign(ids_.begin() + next_, ids_.begin() + next_ + length);
    next_ += length;
    return true;
  }
  std::int64_t documents() const { return count_; }
  double share() const {
    return options_.documents > 0 ? static_cast<double>(count_) / static_cast<double>(options_.documents)
                                  : documents_.share();
  }

 private:
  bool read_document() {
    if (!documents_.next(text_)) return false;
    ids_ = model_.tokenizer.encode(text_);
    if (std::any_of(ids_.begin(), ids_.end(), [&](std::int32_t id) { return model_.tokenizer.is_added(id); }))
      throw InputError("[evaluation] {}: document {} spells a special token, expected plain text",
                       options_.file.string(), count_);
    ids_.insert(ids_.begin(), static_cast<std::int32_t>(model_.transformer.config().bos_token));
    next_ = 0;
    ++count_;
    return true;
  }

  const EvaluatedModel& model_;
  const TextOptions& options_;
  TextDocuments documents_;
  std::string text_;
  Ids ids_;
  std::int64_t next_ = 0;
  std::int64_t count_ = 0;
};

// A window on its way through the model: all but its last token are read.
struct Reading {
  explicit Reading(SequenceCache empty) : cache(std::move(empty)) {}
  SequenceCache cache;
  Ids ids;
  std::int64_t left() const { return std::ssize(ids) - 1 - cache.tokens(); }
};

class TextMeasurer {
 public:
  TextMeasurer(const EvaluatedModel& model, const TextOptions& options)
      : model_(model), windows_(model, options), pool_(model.threads) {}

  TextFigures run(const std::function<void(double)>& progress) {
    while (fill()) {
      step();
      progress(windows_.share());
    }
    figures_.documents = windows_.documents();
    return figures_;
  }

 private:
  // Windows for a whole step, as long as there are any.
  bool fill() {
    std::erase_if(open_, [](const auto& reading) { return reading->left() == 0; });
    std::int64_t waiting = 0;
    for (const auto& reading : open_) waiting += reading->left();
    while (waiting < model_.limits.max_batch_tokens && std::ssize(open_) < model_.limits.max_sequences) {
      auto reading = std::make_unique<Reading>(model_.transformer.make_cache());
      if (!windows_.next(reading->ids)) break;
      if (reading->left() == 0) continue;  // one token, and nothing to predict
      ++figures_.windows;
      waiting += reading->left();
      open_.push_back(std::move(reading));
    }
    return !open_.empty();
  }

  void step() {
    std::vector<BatchRun> batch;
    targets_.clear();
    std::int64_t room = model_.limits.max_batch_tokens;
    for (const auto& reading : open_) {
      if (room == 0) break;
      const std::int64_t count = std::min(room, reading->left());
      const auto begin = reading->cache.tokens();
      batch.push_back(
          {.cache = &reading->cache,
           .ids = std::span(reading->ids).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count)),
           .logits_from = 0});
      targets_.insert(targets_.end(), reading->ids.begin() + begin + 1, reading->ids.begin() + begin + 1 + count);
      room -= count;
    }
    count(model_.transformer.forward(batch));
  }

  // logits [targets, vocab]. Bits are added in the order of the text, whatever the threads.
  void count(View<const float, 2> logits) {
    const auto vocab = static_cast<std::size_t>(logits.extent(1));
    rows_.resize(targets_.size() * vocab);
    model_.transformer.backend().download(reinterpret_cast<const std::byte*>(logits.data()),
                                          std::as_writable_bytes(std::span(rows_)));
    bits_.resize(targets_.size());
    pool_.parallel_for(std::ssize(targets_), 1, [&](std::int64_t first, std::int64_t last, std::int64_t) {
      for (auto row = static_cast<std::size_t>(first); row < static_cast<std::size_t>(last); ++row)
        bits_[row] = bits_of(std::span(rows_).subspan(row * vocab, vocab), targets_[row]);
    });
    figures_.bits = std::accumulate(bits_.begin(), bits_.end(), figures_.bits);
    figures_.tokens += std::ssize(targets_);
    for (const std::int32_t target : targets_) figures_.bytes += std::ssize(model_.tokenizer.piece(target));
  }

  const EvaluatedModel& model_;
  Windows windows_;
  ThreadPool pool_;
  std::vector<std::unique_ptr<Reading>> open_;
  Ids targets_;
  std::vector<float> rows_;
  std::vector<double> bits_;
  TextFigures figures_;
};

}  // namespace

double bits_behind(const EvaluatedModel& model, std::span<const std::int32_t> prompt,
                   std::span<const std::int32_t> continuation) {
  check(!prompt.empty() && !continuation.empty(), "there is a prompt and what follows it");
  Ids ids(prompt.begin(), prompt.end());
  ids.insert(ids.end(), continuation.begin(), continuation.end() - 1);
  SequenceCache cache = model.transformer.make_cache();
  double bits = 0.0;
  std::vector<float> row(static_cast<std::size_t>(model.transformer.config().vocab));
  while (cache.tokens() < std::ssize(ids)) {
    const std::int64_t begin = cache.tokens();
    const std::int64_t count = std::min(model.limits.max_batch_tokens, std::ssize(ids) - begin);
    const std::int64_t first = std::clamp<std::int64_t>(std::ssize(prompt) - 1 - begin, 0, count);
    const BatchRun run{.cache = &cache,
                       .ids = std::span(ids).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count)),
                       .logits_from = first};
    const auto logits = model.transformer.forward({&run, 1});
    for (std::int64_t token = first; token < count; ++token) {
      model.transformer.backend().download(reinterpret_cast<const std::byte*>(logits[token - first].data()),
                                           std::as_writable_bytes(std::span(row)));
      bits += bits_of(row, continuation[static_cast<std::size_t>(begin + token + 1 - std::ssize(prompt))]);
    }
  }
  return bits;
}

double bits_of(std::span<const float> logits, std::int32_t target) {
  const float best = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const float logit : logits) sum += static_cast<double>(std::exp(logit - best));
  const double below = static_cast<double>(best) - static_cast<double>(logits[static_cast<std::size_t>(target)]);
  return (std::log(sum) + below) / std::numbers::ln2;
}

TextFigures measure_text(const EvaluatedModel& model, const TextOptions& options,
                         const std::function<void(double)>& progress) {
  if (const std::int64_t positions = model.transformer.config().max_positions; options.window > positions)
    throw InputError("[evaluation] a window of {} tokens, the model's positions end at {}", options.window, positions);
  const TextFigures figures = TextMeasurer(model, options).run(progress);
  if (figures.tokens == 0) throw InputError("[evaluation] {} holds no text", options.file.string());
  return figures;
}

}  // namespace fathom
