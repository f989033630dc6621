// How often drafted tokens were right, given that all before them in their draft were: by who drafted, and by how sure
// it was. What one sequence has shown is weighed against what all have.
#pragma once

#include <array>
#include <cstdint>

namespace fathom {

enum class Drafter : std::uint8_t { none, mtp, lookup, forced };

inline constexpr std::int64_t kMostDrafts = 7;  // in one step of one sequence

struct DraftedToken {
  std::int32_t token = 0;
  Drafter drafter = Drafter::none;
  std::int64_t depth = 1;   // from 1, in its draft
  std::int64_t surety = 0;  // 0 to kSureties - 1, the drafter's own scale

  static constexpr std::int64_t kSureties = 8;
};

// By how far the drafted logit is above (below: 0) every other one.
std::int64_t surety_of_margin(float margin);
// By how many tokens before it were as they had been there, 2 or more.
std::int64_t surety_of_match(std::int64_t tokens);

class Acceptance {
 public:
  // `all`: what every sequence showed, which outlives this; none: this is it.
  explicit Acceptance(const Acceptance* all = nullptr) : all_(all) {}

  void note(const DraftedToken& token, bool right);
  // Of a token that is drafted already.
  double of(const DraftedToken& token) const;
  // Of one that is not yet drafted.
  double expected(Drafter drafter, std::int64_t depth) const;

 private:
  struct Rate {
    double right = 0.0;
    double tried = 0.0;
  };
  static constexpr std::size_t kDrafters = 4;

  using ByDepth = std::array<Rate, kMostDrafts>;
  using BySurety = std::array<Rate, DraftedToken::kSureties>;
  double weighed(const Rate& own, const Rate* of_all, double unknown) const;

  const Acceptance* all_;
  std::array<ByDepth, kDrafters> by_depth_{};
  std::array<BySurety, kDrafters> by_surety_first_{};  // of first tokens
  std::array<BySurety, kDrafters> by_surety_later_{};
};

}  // namespace fathom
