// What steps with drafts gave beside steps without: whatever the estimates say, drafting that made answers slower ends.
// By how many sequences decode together, since one row more costs another part of a step then (docs/speculation.md).
#pragma once

#include <array>
#include <cstdint>

namespace fathom {

class DraftRecord {
 public:
  // Whether the next step of so many sequences may be drafted for.
  bool may_draft(std::int64_t decoding) const { return crowds_[crowd(decoding)].drafting; }
  // A step of so many, as may_draft() said before it, gave so many tokens in so long, its drafting included; no
  // seconds: prompts were read beside, and it says nothing.
  void gave(std::int64_t decoding, std::int64_t tokens, double seconds);

 private:
  static constexpr std::size_t kKept = 4;
  static constexpr std::size_t kCrowds = 16;

  // Tokens a second of windows of steps; the best of the newest: others' work makes windows slower and none faster.
  struct Rates {
    std::array<double, kKept> kept{};
    std::int64_t windows = 0;

    void add(double rate);
    double best() const;
    double newest() const;
  };
  struct Crowd {
    bool drafting = false;
    std::int64_t steps = 0;  // of this window
    std::int64_t tokens = 0;
    double seconds = 0.0;
    Rates plain;
    Rates drafted;
    std::int64_t since = 0;  // windows of the present kind
    std::int64_t pause = 0;  // plain windows, the next time that drafting was slower
  };

  static std::size_t crowd(std::int64_t decoding);
  bool fewer_lost(std::size_t index) const;
  void close(std::size_t index, bool lost);

  std::array<Crowd, kCrowds> crowds_{};
};

}  // namespace fathom
