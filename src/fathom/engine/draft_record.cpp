#include "fathom/engine/draft_record.h"

#include <algorithm>
#include <bit>

namespace fathom {
namespace {

constexpr std::int64_t kWindow = 16;          // steps
constexpr std::int64_t kDraftedWindows = 48;  // then a plain one, to compare with
constexpr std::int64_t kLearning = 4;         // windows, which show what a row costs and how often drafts are right
constexpr std::int64_t kFirstPause = 4;       // windows
constexpr std::int64_t kLongestPause = 128;
constexpr double kSlower = 0.98;  // of plain speed, below which drafting has lost
// Where several decode together a draft's rows are dear and steps many tokens each: what is as slow as this after a
// glance need not be learnt. One sequence alone learns first; its rows are nearly free once their cost is known.
constexpr std::int64_t kGlance = 6;  // steps
constexpr double kClearlySlower = 0.92;

}  // namespace

// One to eight each by itself, more by powers of two.
std::size_t DraftRecord::crowd(std::int64_t decoding) {
  constexpr std::int64_t kSingle = 8;
  const std::int64_t many = std::max<std::int64_t>(decoding, 1);
  const std::int64_t index =
      many <= kSingle ? many - 1 : kSingle + std::bit_width(static_cast<std::uint64_t>(many - 1)) - 4;
  return static_cast<std::size_t>(std::min<std::int64_t>(index, kCrowds - 1));
}

void DraftRecord::Rates::add(double rate) { kept[static_cast<std::size_t>(windows++) % kKept] = rate; }

double DraftRecord::Rates::best() const { return *std::max_element(kept.begin(), kept.end()); }

double DraftRecord::Rates::newest() const {
  return windows == 0 ? 0.0 : kept[static_cast<std::size_t>(windows - 1) % kKept];
}

void DraftRecord::gave(std::int64_t decoding, std::int64_t tokens, double seconds) {
  const std::size_t index = crowd(decoding);
  Crowd& now = crowds_[index];
  ++now.steps;
  now.tokens += tokens;
  now.seconds += seconds;
  const bool lost = index > 0 && now.drafting && now.steps >= kGlance && now.seconds > 0.0 &&
                    static_cast<double>(now.tokens) / now.seconds < kClearlySlower * now.plain.newest();
  if (lost || now.steps >= kWindow) close(index, lost);
}

// A row more costs no less where more sequences decode: what lost with fewer of them is not tried at once with these.
bool DraftRecord::fewer_lost(std::size_t index) const {
  for (std::size_t fewer = index; fewer > 0; --fewer) {
    const Crowd& crowd = crowds_[fewer - 1];
    if (crowd.pause > 0 || crowd.drafted.windows > 0) return crowd.pause > 0;
  }
  return false;
}

void DraftRecord::close(std::size_t index, bool lost) {
  Crowd& now = crowds_[index];
  if (now.seconds > 0.0) (now.drafting ? now.drafted : now.plain).add(static_cast<double>(now.tokens) / now.seconds);
  now.steps = now.tokens = 0;
  now.seconds = 0.0;
  ++now.since;
  const auto turn = [&](bool drafting) {
    now.drafting = drafting;
    now.since = 0;
  };
  if (!now.drafting) {
    if (now.pause == 0 && now.drafted.windows == 0 && fewer_lost(index)) now.pause = kFirstPause;
    if (now.since >= std::max<std::int64_t>(now.pause, 1)) turn(true);
    return;
  }
  // The newest plain window: an older one may have been of shorter texts.
  const bool slower = now.drafted.best() < kSlower * now.plain.newest();
  if (lost || (slower && now.since >= kLearning)) {
    now.pause = std::clamp(2 * now.pause, kFirstPause, kLongestPause);
    now.drafted = {};
    return turn(false);
  }
  if (!slower && now.since >= kLearning) now.pause = 0;
  if (now.since >= kDraftedWindows) turn(false);
}

}  // namespace fathom
