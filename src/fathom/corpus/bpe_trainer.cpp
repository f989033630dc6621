#include "fathom/corpus/bpe_trainer.h"

#include <queue>
#include <unordered_map>
#include <utility>

#include "fathom/base/error.h"
#include "fathom/corpus/permutation.h"

namespace fathom {
namespace {

constexpr std::int32_t kBytes = 256;
constexpr std::int64_t kProgressStep = 64;

struct Word {
  std::uint32_t begin = 0;  // in the symbols
  std::uint32_t length = 0;
  std::int64_t count = 0;
};

struct Pair {
  std::int64_t count = 0;
  std::int32_t product = -1;         // of a merge already made
  bool raised = false;               // since it was last queued
  std::vector<std::uint32_t> words;  // that hold it, or held it once
};

struct Candidate {
  std::int64_t count = 0;
  std::int32_t left = 0;
  std::int32_t right = 0;
  // The queue's greatest is the next to be merged.
  bool operator<(const Candidate& other) const {
    if (count != other.count) return count < other.count;
    return std::pair(left, right) > std::pair(other.left, other.right);
  }
};

struct KeyHash {
  std::size_t operator()(std::uint64_t key) const { return mixed(key); }
};

// Symbols are token numbers from 0 (the byte 0); ids are made of them at the end.
class Trainer {
 public:
  Trainer(std::span<const CountedPiece> pieces, const BpeOptions& options) : options_(options) {
    for (std::int32_t byte = 0; byte < kBytes; ++byte) append_token(std::string(1, static_cast<char>(byte)));
    for (const CountedPiece& piece : pieces) append_word(piece);
    for (const std::uint64_t key : raised_) queue(key);
    raised_.clear();
  }

  BpeVocabulary run() {
    const std::int64_t wanted = options_.vocab - options_.first_id;
    while (static_cast<std::int64_t>(vocabulary_.tokens.size()) < wanted) {
      if (!merge_best())
        throw InputError("[bpe] the text gives a vocabulary of {} tokens, expected {}: more text, or a smaller one",
                         vocabulary_.tokens.size() + static_cast<std::size_t>(options_.first_id), options_.vocab);
      const auto done = static_cast<std::int64_t>(vocabulary_.tokens.size());
      if (options_.progress && (done % kProgressStep == 0 || done == wanted)) options_.progress(done, wanted);
    }
    vocabulary_.first_id = options_.first_id;
    for (Merge& merge : vocabulary_.merges) {
      merge.left += options_.first_id;
      merge.right += options_.first_id;
      merge.product += options_.first_id;
    }
    return std::move(vocabulary_);
  }

 private:
  static std::uint64_t key_of(std::int32_t left, std::int32_t right) {
    return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
  }

  void append_token(std::string bytes) {
    token_of_.emplace(bytes, static_cast<std::int32_t>(vocabulary_.tokens.size()));
    vocabulary_.tokens.push_back(std::move(bytes));
  }

  void append_word(const CountedPiece& piece) {
    const auto word = static_cast<std::uint32_t>(words_.size());
    words_.push_back({.begin = static_cast<std::uint32_t>(symbols_.size()),
                      .length = static_cast<std::uint32_t>(piece.bytes.size()),
                      .count = static_cast<std::int64_t>(piece.count)});
    for (const char byte : piece.bytes) symbols_.push_back(static_cast<unsigned char>(byte));
    for (std::size_t at = words_.back().begin + 1; at < symbols_.size(); ++at)
      raise(symbols_[at - 1], symbols_[at], word);
  }

  void raise(std::int32_t left, std::int32_t right, std::uint32_t word) {
    const std::uint64_t key = key_of(left, right);
    Pair& pair = pairs_[key];
    pair.count += words_[word].count;
    if (pair.words.empty() || pair.words.back() != word) pair.words.push_back(word);
    if (!pair.raised) raised_.push_back(key);
    pair.raised = true;
  }

  void lower(std::int32_t left, std::int32_t right, std::uint32_t word) {
    pairs_.at(key_of(left, right)).count -= words_[word].count;
  }

  void queue(std::uint64_t key) {
    Pair& pair = pairs_.at(key);
    pair.raised = false;
    const auto left = static_cast<std::int32_t>(key >> 32);
    const auto right = static_cast<std::int32_t>(key & 0xFFFFFFFF);
    const bool short_enough = token(left).size() + token(right).size() <= options_.longest;
    if (short_enough && pair.count >= static_cast<std::int64_t>(options_.least))
      candidates_.push({.count = pair.count, .left = left, .right = right});
  }

  const std::string& token(std::int32_t symbol) const { return vocabulary_.tokens[static_cast<std::size_t>(symbol)]; }

  // A count that fell since it was queued is queued again; one that rose has been.
  bool merge_best() {
    while (!candidates_.empty()) {
      const Candidate best = candidates_.top();
      candidates_.pop();
      const std::uint64_t key = key_of(best.left, best.right);
      const std::int64_t count = pairs_.at(key).count;
      if (count == best.count) {
        merge(best.left, best.right);
        return true;
      }
      if (count < best.count) queue(key);
    }
    return false;
  }

  void merge(std::int32_t left, std::int32_t right) {
    const std::uint64_t key = key_of(left, right);
    const std::int32_t product = product_of(left, right);
    const std::vector<std::uint32_t> words = std::exchange(pairs_.at(key).words, {});
    for (const std::uint32_t word : words) merge_in(word, left, right, product);
    check_equal(pairs_.at(key).count, 0, "occurrences of a merged pair");
    for (const std::uint64_t risen : raised_) queue(risen);
    raised_.clear();
  }

  // A pair can come again after its merge, when another merge makes a token that exists; its rule stands already.
  std::int32_t product_of(std::int32_t left, std::int32_t right) {
    Pair& pair = pairs_.at(key_of(left, right));
    if (pair.product >= 0) return pair.product;
    std::string bytes = token(left) + token(right);
    const auto known = token_of_.find(bytes);
    pair.product = known != token_of_.end() ? known->second : static_cast<std::int32_t>(vocabulary_.tokens.size());
    if (known == token_of_.end()) append_token(std::move(bytes));
    vocabulary_.merges.push_back({.left = left, .right = right, .product = pair.product});
    return pair.product;
  }

  // Leftmost first; the counts are true after every single replacement.
  void merge_in(std::uint32_t number, std::int32_t left, std::int32_t right, std::int32_t product) {
    Word& word = words_[number];
    std::int32_t* symbols = symbols_.data() + word.begin;
    std::uint32_t out = 0;
    for (std::uint32_t at = 0; at < word.length;) {
      if (at + 1 == word.length || symbols[at] != left || symbols[at + 1] != right) {
        symbols[out++] = symbols[at++];
        continue;
      }
      lower(left, right, number);
      if (out > 0) {
        lower(symbols[out - 1], left, number);
        raise(symbols[out - 1], product, number);
      }
      if (at + 2 < word.length) {
        lower(right, symbols[at + 2], number);
        raise(product, symbols[at + 2], number);
      }
      symbols[out++] = product;
      at += 2;
    }
    word.length = out;
  }

  const BpeOptions& options_;
  BpeVocabulary vocabulary_;
  std::unordered_map<std::string, std::int32_t> token_of_;
  std::vector<std::int32_t> symbols_;
  std::vector<Word> words_;
  std::unordered_map<std::uint64_t, Pair, KeyHash> pairs_;
  std::vector<std::uint64_t> raised_;  // keys of pairs to be queued
  std::priority_queue<Candidate> candidates_;
};

}  // namespace

BpeVocabulary train_bpe(std::span<const CountedPiece> pieces, const BpeOptions& options) {
  check(options.first_id >= 0, "ids begin at 0 or later");
  if (options.vocab < options.first_id + kBytes)
    throw InputError("[bpe] a vocabulary of {} tokens, expected at least {} for the bytes and special tokens",
                     options.vocab, options.first_id + kBytes);
  return Trainer(pieces, options).run();
}

}  // namespace fathom
