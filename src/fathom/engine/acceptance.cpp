#include "fathom/engine/acceptance.h"

#include <algorithm>
#include <cmath>

#include "fathom/base/error.h"

namespace fathom {
namespace {

constexpr double kMemory = 64.0;       // tries; older ones fade
constexpr double kAllMemory = 1024.0;  // of all sequences together
constexpr double kTrust = 6.0;         // tries that the others' experience weighs
constexpr double kUnknown = 0.6;       // before anybody tried
constexpr double kForced = 0.999;      // the grammar lets nothing else come

std::size_t place(Drafter drafter) { return static_cast<std::size_t>(drafter); }

}  // namespace

std::int64_t surety_of_margin(float margin) {
  if (!(margin > 0.0F)) return 0;
  const auto steps = static_cast<std::int64_t>(std::floor(2.0 * std::log2(1.0 + static_cast<double>(margin))));
  return std::clamp<std::int64_t>(1 + steps, 1, DraftedToken::kSureties - 1);
}

std::int64_t surety_of_match(std::int64_t tokens) {
  return std::clamp<std::int64_t>(tokens - 2, 0, DraftedToken::kSureties - 1);
}

void Acceptance::note(const DraftedToken& token, bool right) {
  check(token.depth >= 1 && token.depth <= kMostDrafts, "a draft's depth");
  const double memory = all_ == nullptr ? kAllMemory : kMemory;
  const auto count = [&](Rate& rate) {
    if (rate.tried >= memory) {
      rate.right *= 0.5;
      rate.tried *= 0.5;
    }
    rate.tried += 1.0;
    rate.right += right ? 1.0 : 0.0;
  };
  const auto surety = static_cast<std::size_t>(token.surety);
  count(by_depth_[place(token.drafter)][static_cast<std::size_t>(token.depth - 1)]);
  count((token.depth == 1 ? by_surety_first_ : by_surety_later_)[place(token.drafter)][surety]);
}

double Acceptance::weighed(const Rate& own, const Rate* of_all, double unknown) const {
  if (of_all == nullptr) return (own.right + unknown) / (own.tried + 1.0);
  const double others = (of_all->right + unknown) / (of_all->tried + 1.0);
  return (own.right + kTrust * others) / (own.tried + kTrust);
}

double Acceptance::of(const DraftedToken& token) const {
  if (token.drafter == Drafter::forced) return kForced;
  const auto surety = static_cast<std::size_t>(token.surety);
  const auto rate = [&](const Acceptance& from) {
    return &(token.depth == 1 ? from.by_surety_first_ : from.by_surety_later_)[place(token.drafter)][surety];
  };
  return weighed(*rate(*this), all_ == nullptr ? nullptr : rate(*all_), kUnknown);
}

double Acceptance::expected(Drafter drafter, std::int64_t depth) const {
  if (drafter == Drafter::forced) return kForced;
  const auto rate = [&](const Acceptance& from) {
    return &from.by_depth_[place(drafter)]
                          [static_cast<std::size_t>(std::clamp<std::int64_t>(depth, 1, kMostDrafts) - 1)];
  };
  return weighed(*rate(*this), all_ == nullptr ? nullptr : rate(*all_), kUnknown);
}

}  // namespace fathom
