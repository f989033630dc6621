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
  const auto can = [](const WantedRow& row) { return !row.needs_all && can_be_shortlisted(row.params); };
  std::vector<ShortlistRow> rows;
  for (const WantedRow& row : wanted_)
    rows.push_back(can(row) ? shortlist_row(row.params, row.position) : ShortlistRow());
  if (std::any_of(wanted_.begin(), wanted_.end(), can)) {
    std::vector<Shortlist> found(rows.size());
    bool has_lists = true;
    if (logits.left) {
      backend.shortlist_product(
          {.weight = logits.left->head, .x = logits.left->x, .ids = ids, .rows = rows, .out = found});
    } else {
      has_lists = backend.shortlist({.logits = logits.rows, .ids = ids, .rows = rows, .out = found});
    }
    if (has_lists) {
      for (std::size_t row = 0; row < found.size(); ++row)
        if (!can(wanted_[row])) found[row].count = -1;
      shortlists_ = std::move(found);
    }
  }
  compute_the_rest();
}

void LogitRows::compute_the_rest() {
  const auto rows = std::ssize(wanted_);
  const auto lacks = [&](std::int64_t row) {
    return is_there_[static_cast<std::size_t>(row)] == 0 && shortlist(row) == nullptr;
  };
  for (std::int64_t first = 0; first < rows; ++first) {
    std::int64_t last = first;
    while (last < rows && lacks(last)) ++last;
    if (last > first) compute(first, last);
    first = std::max(first, last);
  }
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
