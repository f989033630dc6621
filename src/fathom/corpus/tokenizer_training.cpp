#include "fathom/corpus/tokenizer_training.h"

#include <algorithm>
#include <optional>

#include "fathom/base/thread_pool.h"
#include "fathom/corpus/bpe_trainer.h"
#include "fathom/corpus/document_selection.h"
#include "fathom/corpus/piece_counter.h"
#include "fathom/corpus/special_tokens.h"
#include "fathom/corpus/text_documents.h"
#include "fathom/corpus/text_shard.h"
#include "fathom/corpus/tokenizer_writer.h"

namespace fathom {
namespace {

constexpr std::size_t kBatchBytes = std::size_t{4} << 20;

// One counter a thread; their sum does not depend on who counted what.
class SourceCounter {
 public:
  SourceCounter(const std::vector<AddedToken>& added, int threads) : pool_(threads) {
    for (int thread = 0; thread < pool_.threads(); ++thread) counters_.emplace_back(added);
  }

  void add(const TokenizerSource& source, const std::function<void(double)>& progress) {
    std::optional<Thinning> thinning;
    weight_ = 1;
    if (source.bytes > 0) {
      const std::uint64_t all = selected_bytes(source.file, HoldOut::train);
      thinning.emplace(all, source.bytes);
      if (all > 0) weight_ = std::max<std::uint64_t>(1, (source.bytes + all / 2) / all);
    }
    TextDocuments documents(source.file);
    for (std::string document; documents.next(document);) {
      const bool taken = !is_near_empty(document) && belongs_to(HoldOut::train, document) &&
                         (!thinning || thinning->takes(document.size()));
      if (!taken) continue;
      batch_bytes_ += document.size();
      batch_.push_back(std::move(document));
      if (batch_bytes_ >= kBatchBytes) count_batch();
      progress(documents.share());
    }
    count_batch();
  }

  std::vector<CountedPiece> counted() {
    for (std::size_t thread = 1; thread < counters_.size(); ++thread) counters_[0].merge(std::move(counters_[thread]));
    return counters_[0].counted();
  }

 private:
  void count_batch() {
    pool_.parallel_for(static_cast<std::int64_t>(batch_.size()), 1,
                       [&](std::int64_t first, std::int64_t last, std::int64_t worker) {
                         PieceCounter& counter = counters_[static_cast<std::size_t>(worker)];
                         for (std::int64_t document = first; document < last; ++document)
                           counter.add(batch_[static_cast<std::size_t>(document)], weight_);
                       });
    batch_.clear();
    batch_bytes_ = 0;
  }

  ThreadPool pool_;
  std::vector<PieceCounter> counters_;
  std::uint64_t weight_ = 1;
  std::vector<std::string> batch_;
  std::size_t batch_bytes_ = 0;
};

}  // namespace

std::string train_tokenizer(const TokenizerTrainingOptions& options, const TrainingProgress& progress) {
  const std::vector<AddedToken> added = small_vocabulary_tokens();
  SourceCounter counter(added, options.threads);
  const auto files = static_cast<double>(options.sources.size());
  for (std::size_t file = 0; file < options.sources.size(); ++file)
    counter.add(options.sources[file],
                [&](double share) { progress.counting((static_cast<double>(file) + share) / files); });
  const BpeVocabulary vocabulary =
      train_bpe(counter.counted(), {.vocab = options.vocab,
                                    .first_id = static_cast<std::int32_t>(added.size()),
                                    .progress = [&](std::int64_t done, std::int64_t all) {
                                      progress.merging(static_cast<double>(done) / static_cast<double>(all));
                                    }});
  return write_tokenizer_json(vocabulary, added);
}

Compression measure_compression(const Tokenizer& tokenizer, const std::filesystem::path& file) {
  TextDocuments documents(file);
  Compression sum;
  for (std::string document; documents.next(document);) {
    if (is_near_empty(document) || !is_held_out(document)) continue;
    sum.bytes += document.size();
    sum.tokens += tokenizer.encode(document).size();
  }
  return sum;
}

}  // namespace fathom
