#include "fathom/engine/logit_rows.h"

#include <algorithm>
#include <limits>

#include "fathom/base/error.h"

namespace fathom {

LogitRows::LogitRows(Backend& backend, const Logits& logits, std::int64_t ids, std::vector<WantedRow> wanted)
    : backend_(backend),
      logits_(logits),
      is_there_(wanted.size(), logits.left ? 0 : 1),
      wanted_(std::move(wanted)),
      room_(static_cast<std::size_t>(ids)) {
  check_equal(std::ssize(wanted_), logits.rows.extent(0), "rows of logits that are wanted");
  find_shortlists();
  compute_the_rest();
}

void LogitRows::find_shortlists() {
  std::vector<std::int64_t> wanted;
  std::vector<ShortlistRow> by;
  for (std::size_t row = 0; row < wanted_.size(); ++row) {
    if (wanted_[row].needs_all || !can_be_shortlisted(wanted_[row].params)) continue;
    wanted.push_back(static_cast<std::int64_t>(row));
    by.push_back(shortlist_row(wanted_[row].params, wanted_[row].position));
  }
  if (wanted.empty()) return;
  std::vector<Shortlist> found(wanted.size());
  if (logits_.left) {
    backend_.shortlist_product({.weight = logits_.left->head,
                                .x = logits_.left->x,
                                .ids = std::ssize(room_),
                                .wanted = wanted,
                                .rows = by,
                                .out = found});
  } else {
    std::vector<ShortlistRow> all(wanted_.size());
    for (std::size_t index = 0; index < wanted.size(); ++index)
      all[static_cast<std::size_t>(wanted[index])] = by[index];
    std::vector<Shortlist> of_all(wanted_.size());
    if (!backend_.shortlist({.logits = logits_.rows, .ids = std::ssize(room_), .rows = all, .out = of_all})) return;
    for (std::size_t index = 0; index < wanted.size(); ++index)
      found[index] = of_all[static_cast<std::size_t>(wanted[index])];
  }
  shortlists_.resize(wanted_.size());  // of no tokens for the others
  for (std::size_t index = 0; index < wanted.size(); ++index)
    shortlists_[static_cast<std::size_t>(wanted[index])] = found[index];
}

// A product of a few rows more is cheaper than another one, which reads the whole head.
void LogitRows::compute_the_rest() {
  constexpr std::int64_t kGap = 4;
  std::int64_t first = -1;  // of the rows to compute together
  std::int64_t last = -1;
  for (std::int64_t row = 0; row < std::ssize(wanted_); ++row) {
    if (is_there_[static_cast<std::size_t>(row)] != 0 || shortlist(row) != nullptr) continue;
    if (first >= 0 && row - last > kGap) {
      compute(first, last);
      first = -1;
    }
    if (first < 0) first = row;
    last = row + 1;
  }
  if (first >= 0) compute(first, last);
}

void LogitRows::compute(std::int64_t first, std::int64_t last) {
  const LeftProduct& left = *logits_.left;
  const std::int64_t count = last - first;
  backend_.linear({.weight = left.head, .x = left.x.rows(first, count), .out = left.out.rows(first, count)});
  std::fill(is_there_.begin() + first, is_there_.begin() + last, 1);
}

const Shortlist* LogitRows::shortlist(std::int64_t row) const {
  if (shortlists_.empty()) return nullptr;
  const Shortlist& found = shortlists_[static_cast<std::size_t>(row)];
  return found.count > 0 ? &found : nullptr;
}

std::span<const float> LogitRows::whole(std::int64_t row) {
  if (in_room_ == row) return room_;
  in_room_ = -1;
  if (is_there_[static_cast<std::size_t>(row)] == 0) compute(row, row + 1);
  backend_.download(reinterpret_cast<const std::byte*>(logits_.rows[row].data()),
                    std::as_writable_bytes(std::span(room_)));
  in_room_ = row;
  return room_;
}

void LogitRows::bring(std::int64_t row) {
  if (shortlist(row) == nullptr) whole(row);
}

SampledToken LogitRows::sample(std::int64_t row, std::span<const std::uint32_t> allowed) {
  const WantedRow& wanted = wanted_[static_cast<std::size_t>(row)];
  const Shortlist* few = allowed.empty() ? shortlist(row) : nullptr;
  if (few != nullptr) return fathom::sample(*few, wanted.params, wanted.position);
  return fathom::sample(whole(row), wanted.params, wanted.position, allowed);
}

float LogitRows::margin_of(std::int64_t row, std::int32_t token) {
  if (const Shortlist* few = shortlist(row)) {
    for (std::int32_t index = 0; index < few->count; ++index) {
      const float logit = few->logits[static_cast<std::size_t>(index)];
      if (few->tokens[static_cast<std::size_t>(index)] == token)
        return logit - (logit == few->largest ? few->second : few->largest);
    }
  }
  const std::span<const float> logits = whole(row);
  float other = -std::numeric_limits<float>::infinity();
  for (std::size_t id = 0; id < logits.size(); ++id)
    if (static_cast<std::int32_t>(id) != token) other = std::max(other, logits[id]);
  return logits[static_cast<std::size_t>(token)] - other;
}

}  // namespace fathom
