// Limits as they are kept: how many requests of an account and of a key run, and what is left of its minute and its
// day. In memory, of this server alone; a day begins with what the ledger has of it.
//
// A minute's tokens are a bucket that fills steadily and holds one minute's worth. A prompt is taken from it before it
// is read and must be there, or the bucket be full; an answer is taken when it is over, so that one that runs is let to
// finish.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "fathom/accounts/access.h"

namespace fathom::accounts {

// A refusal that time mends.
struct Overrun {
  enum class Kind : std::uint8_t { in_flight, tokens_per_minute, tokens_per_day };
  Kind kind = Kind::in_flight;
  std::int64_t found = 0;  // with the request
  std::int64_t limit = 0;
  double retry_after_seconds = 0.0;
};

class Gate {
 public:
  // One request inside; leaves when it goes. Any thread. The gate outlives it.
  class Pass {
   public:
    ~Pass();
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    // Before a prompt of so many tokens is read; nothing is taken if it is refused.
    std::optional<Overrun> take_prompt(std::int64_t tokens, std::int64_t now);
    void take_answer(std::int64_t tokens);
    // Of a prompt that was taken and not read.
    void give_back(std::int64_t tokens);
    // The smaller of key's and account's; 0: none.
    std::int64_t context_tokens() const { return context_tokens_; }

   private:
    friend class Gate;
    Pass(Gate& gate, const Access& access);
    Gate& gate_;
    std::vector<std::pair<std::string, Limits>> subjects_;
    std::int64_t context_tokens_ = 0;
  };
  using Verdict = std::variant<std::shared_ptr<Pass>, Overrun>;

  // `now`: seconds since 1970. Whoever has no key meets no limit.
  Verdict enter(const Access& access, std::int64_t now);

 private:
  struct Meter {
    std::int64_t in_flight = 0;
    double level = 0.0;        // of the minute's bucket; below zero after a long answer
    std::int64_t filled = -1;  // when; -1: it was never asked, and is full
    std::int64_t day = -1;
    std::int64_t day_tokens = 0;

    void fill(const Limits& limits, std::int64_t now);
    void begin_day(std::int64_t today, std::int64_t known);
  };
  static std::optional<Overrun> check_entry(const Meter& meter, const Limits& limits, std::int64_t now);
  static std::optional<Overrun> check_prompt(const Meter& meter, const Limits& limits, std::int64_t tokens,
                                             std::int64_t now);

  std::mutex mutex_;
  std::map<std::string, Meter> meters_;  // as many as there are keys and accounts
};

}  // namespace fathom::accounts
