// Sparse attention's arguments made from whole sequences, and the formula over them, for the tests of that operation.
#pragma once

#include <algorithm>
#include <deque>
#include <vector>

#include "tests/ops/cache_support.h"

namespace fathom::op_test {

// A sequence from its first position: what was cached of it, and the formula over it.
struct Sequence {
  std::vector<std::vector<std::byte>> window_rows;  // by position
  std::vector<std::vector<std::byte>> entries;      // compressed, by index
};

struct AttentionCase {
  EntryFormat format;
  std::int64_t heads = 3;
  std::int64_t window = 5;
  std::int64_t capacity = 9;
  EntryChoice choice = EntryChoice::none;
  std::int64_t ratio = 4;
  std::int64_t top_k = 3;
  float scale = 0.3F;
  std::int64_t offset = 1;  // floats from a boundary of sixteen bytes to queries and values
};

// Everything a call needs, made from whole sequences and a division of them into runs.
class Attention {
 public:
  Attention(const AttentionCase& shape, std::vector<Run> runs, Random& random) : shape_(shape), runs_(std::move(runs)) {
    const std::int64_t tokens = tokens_of(runs_);
    q_ = Array<float>(tokens * shape.heads * shape.format.head_dim, shape.offset);
    for (float& value : q_.span()) value = random.normal();
    sink_ = random.normals(shape.heads);
    selected_ = Array<std::int32_t>(tokens * shape.top_k);
    fresh_ = Array<std::byte>(tokens * shape.format.row_bytes(), 4);
    for (const Run& run : runs_) {
      Sequence sequence;
      for (std::int64_t position = 0; position < run.start + run.tokens; ++position)
        sequence.window_rows.push_back(random_entry(shape.format, random));
      for (std::int64_t entry = 0; entry < visible_entries(run.start + run.tokens - 1, shape.ratio) + 1; ++entry)
        sequence.entries.push_back(random_entry(shape.format, random));
      choose(run, random);
      sequences_.push_back(std::move(sequence));
    }
    store();
  }

  std::vector<float> run(Backend& backend) {
    const std::int64_t tokens = tokens_of(runs_);
    const Array<float> out(tokens * shape_.heads * shape_.format.head_dim, shape_.offset);
    backend.sparse_attention(args(q_, fresh_, out));
    return copy_of(out);
  }

  // The operation on these sequences, with the caller's queries, new rows and values.
  SparseAttentionArgs args(const Array<float>& q, const Array<std::byte>& fresh, const Array<float>& out) const {
    const std::int64_t tokens = tokens_of(runs_);
    return {.q = q.view<3>({tokens, shape_.heads, shape_.format.head_dim}),
            .format = shape_.format,
            .window = shape_.window,
            .fresh = fresh.view<2>({tokens, shape_.format.row_bytes()}),
            .choice = shape_.choice,
            .ratio = shape_.ratio,
            .selected = selected_.view<2>({tokens, shape_.top_k}),
            .sink = sink_.view<1>({shape_.heads}),
            .scale = shape_.scale,
            .runs = runs_,
            .windows = rings_,
            .entries = entries_,
            .out = out.view<3>({tokens, shape_.heads, shape_.format.head_dim})};
  }

  // The same queries with one run for each token, as decoding would have seen them.
  Attention one_by_one() const {
    Attention split = *this;
    split.runs_.clear();
    split.sequences_.clear();
    for (std::size_t index = 0; index < runs_.size(); ++index)
      for (std::int64_t token = 0; token < runs_[index].tokens; ++token) {
        split.runs_.push_back({runs_[index].first_row + token, 1, runs_[index].start + token});
        split.sequences_.push_back(sequences_[index]);
      }
    split.store();
    return split;
  }

  // One query by itself, with its sequence.
  Attention only(std::int64_t row) const {
    Attention one = *this;
    for (std::size_t index = 0; index < runs_.size(); ++index) {
      const Run& run = runs_[index];
      if (row < run.first_row || row >= run.first_row + run.tokens) continue;
      one.runs_ = {{0, 1, run.start + row - run.first_row}};
      one.sequences_ = {sequences_[index]};
    }
    const std::int64_t size = shape_.heads * shape_.format.head_dim;
    one.q_ = Array<float>(size, shape_.offset);
    one.selected_ = Array<std::int32_t>(shape_.top_k);
    one.fresh_ = Array<std::byte>(shape_.format.row_bytes(), 4);
    std::copy_n(q_.data() + row * size, size, one.q_.data());
    std::copy_n(selected_.data() + row * shape_.top_k, shape_.top_k, one.selected_.data());
    one.store();
    return one;
  }

  struct Expected {
    std::vector<double> values;
    std::vector<double> terms;  // the same sums over absolute values: what roundings of weights are relative to
  };
  Expected expected_terms() const;
  std::vector<double> expected() const { return expected_terms().values; }

  AttentionCase shape_;
  std::vector<Run> runs_;
  std::vector<Sequence> sequences_;
  Array<float> q_{0};
  Array<float> sink_{0};
  Array<std::int32_t> selected_{0};

  Attention(const Attention& other)
      : shape_(other.shape_),
        runs_(other.runs_),
        sequences_(other.sequences_),
        q_(other.q_.size(), other.shape_.offset),
        sink_(other.sink_.size()),
        selected_(other.selected_.size()),
        fresh_(other.fresh_.size(), 4) {
    std::copy_n(other.q_.data(), q_.size(), q_.data());
    std::copy_n(other.sink_.data(), sink_.size(), sink_.data());
    std::copy_n(other.selected_.data(), selected_.size(), selected_.data());
    store();
  }

  // Lays the sequences out as the operation wants them.
  void store() {
    ring_memory_.clear();
    page_memory_.clear();
    rings_.clear();
    entries_.clear();
    const std::int64_t row_bytes = shape_.format.row_bytes();
    for (std::size_t index = 0; index < runs_.size(); ++index) {
      const Sequence& sequence = sequences_[index];
      ring_memory_.emplace_back(shape_.capacity, row_bytes);
      ring_memory_.back().fill(runs_[index].start, [&](std::int64_t at) { return sequence.window_rows[at].data(); });
      rings_.push_back(ring_memory_.back().ring());
      page_memory_.emplace_back(std::ssize(sequence.entries), 3, row_bytes);
      for (std::int64_t entry = 0; entry < std::ssize(sequence.entries); ++entry)
        std::copy(sequence.entries[entry].begin(), sequence.entries[entry].end(),
                  page_memory_.back().row(entry).begin());
      entries_.push_back(page_memory_.back().rows());
      for (std::int64_t token = 0; token < runs_[index].tokens; ++token)
        std::copy_n(sequence.window_rows[runs_[index].start + token].data(), row_bytes,
                    fresh_.data() + (runs_[index].first_row + token) * row_bytes);
    }
  }

 private:
  void choose(const Run& run, Random& random) {
    for (std::int64_t token = 0; token < run.tokens; ++token) {
      const std::int64_t visible = visible_entries(run.start + token, shape_.ratio);
      std::vector<std::int32_t> entries;
      for (std::int32_t entry = 0; entry < visible; ++entry) entries.push_back(entry);
      while (std::ssize(entries) > shape_.top_k) entries.erase(entries.begin() + random.below(std::ssize(entries)));
      for (std::size_t last = entries.size(); last > 1; --last)  // in no order
        std::swap(entries[last - 1], entries[random.below(static_cast<std::int64_t>(last))]);
      entries.resize(static_cast<std::size_t>(shape_.top_k), -1);
      std::copy(entries.begin(), entries.end(), selected_.data() + (run.first_row + token) * shape_.top_k);
    }
  }

  Array<std::byte> fresh_{0};
  std::deque<RingMemory> ring_memory_;
  std::deque<PageMemory> page_memory_;
  std::vector<Ring> rings_;
  std::vector<PagedRows> entries_;
};

inline Attention::Expected Attention::expected_terms() const {
  Expected out;
  const std::int64_t head_dim = shape_.format.head_dim;
  for (std::size_t index = 0; index < runs_.size(); ++index)
    for (std::int64_t token = 0; token < runs_[index].tokens; ++token) {
      const std::int64_t position = runs_[index].start + token;
      const std::int64_t row = runs_[index].first_row + token;
      std::vector<std::vector<double>> keys;
      for (std::int64_t at = std::max<std::int64_t>(0, position - shape_.window + 1); at <= position; ++at)
        keys.push_back(slow_entry(shape_.format, sequences_[index].window_rows[at]));
      for (std::int64_t entry = 0; entry < (position + 1) / shape_.ratio; ++entry) {
        const auto picked = selected_.span().subspan(row * shape_.top_k, shape_.top_k);
        const bool chosen = std::count(picked.begin(), picked.end(), static_cast<std::int32_t>(entry)) > 0;
        if (shape_.choice == EntryChoice::all || (shape_.choice == EntryChoice::selected && chosen))
          keys.push_back(slow_entry(shape_.format, sequences_[index].entries[entry]));
      }
      for (std::int64_t head = 0; head < shape_.heads; ++head) {
        const float* q = q_.data() + (row * shape_.heads + head) * head_dim;
        double denominator = std::exp(static_cast<double>(sink_[head]));
        std::vector<double> sums(static_cast<std::size_t>(head_dim));
        std::vector<double> terms(static_cast<std::size_t>(head_dim));
        for (const std::vector<double>& key : keys) {
          double score = 0.0;
          for (std::int64_t column = 0; column < head_dim; ++column)
            score += static_cast<double>(q[column]) * key[column];
          const double weight = std::exp(score * static_cast<double>(shape_.scale));
          denominator += weight;
          for (std::int64_t column = 0; column < head_dim; ++column) {
            sums[column] += weight * key[column];
            terms[column] += std::fabs(weight * key[column]);
          }
        }
        for (const double sum : sums) out.values.push_back(sum / denominator);
        for (const double sum : terms) out.terms.push_back(sum / denominator);
      }
    }
  return out;
}

}  // namespace fathom::op_test
