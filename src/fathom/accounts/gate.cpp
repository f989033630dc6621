#include "fathom/accounts/gate.h"

#include <algorithm>

#include "fathom/accounts/calendar.h"

namespace fathom::accounts {
namespace {

constexpr double kMinute = 60.0;
constexpr double kRetrySoon = 1.0;  // some request ends, nobody knows when

Overrun overrun(Overrun::Kind kind, std::int64_t found, std::int64_t limit, double retry) {
  return {.kind = kind, .found = found, .limit = limit, .retry_after_seconds = retry};
}

double until_tomorrow(std::int64_t now) { return static_cast<double>((day_of(now) + 1) * kDaySeconds - now); }

// Until the bucket has so much.
double until_level(double level, double wanted, std::int64_t per_minute) {
  return (wanted - level) / static_cast<double>(per_minute) * kMinute;
}

}  // namespace

void Gate::Meter::fill(const Limits& limits, std::int64_t now) {
  if (limits.tokens_per_minute == 0) {  // nothing is owed to a limit that comes later
    level = 0.0;
    filled = -1;
    return;
  }
  const auto most = static_cast<double>(limits.tokens_per_minute);
  const auto seconds = static_cast<double>(std::max<std::int64_t>(0, now - filled));
  level = filled < 0 ? most : std::min(most, level + most / kMinute * seconds);
  filled = std::max(filled, now);
}

// What this server knows of the day, or the ledger, whichever is more: it has answers that run, the other has servers
// beside it.
void Gate::Meter::begin_day(std::int64_t today, std::int64_t known) {
  day_tokens = day == today ? std::max(day_tokens, known) : known;
  day = today;
}

std::optional<Overrun> Gate::check_entry(const Meter& meter, const Limits& limits, std::int64_t now) {
  using Kind = Overrun::Kind;
  if (limits.in_flight > 0 && meter.in_flight >= limits.in_flight)
    return overrun(Kind::in_flight, meter.in_flight + 1, limits.in_flight, kRetrySoon);
  return check_prompt(meter, limits, 1, now);
}

std::optional<Overrun> Gate::check_prompt(const Meter& meter, const Limits& limits, std::int64_t tokens,
                                          std::int64_t now) {
  using Kind = Overrun::Kind;
  if (limits.tokens_per_day > 0 && meter.day_tokens + tokens > limits.tokens_per_day)
    return overrun(Kind::tokens_per_day, meter.day_tokens + tokens, limits.tokens_per_day, until_tomorrow(now));
  const auto wanted = static_cast<double>(std::min(tokens, limits.tokens_per_minute));
  if (limits.tokens_per_minute > 0 && meter.level < wanted)
    return overrun(Kind::tokens_per_minute, tokens, limits.tokens_per_minute,
                   until_level(meter.level, wanted, limits.tokens_per_minute));
  return std::nullopt;
}

Gate::Pass::Pass(Gate& gate, const Access& access) : gate_(gate) {
  if (!access.key || !access.account) return;
  subjects_ = {{"account " + access.account->name, access.account->limits},
               {"key " + access.key->id, access.key->limits}};
  for (const auto& [name, limits] : subjects_)
    if (limits.context_tokens > 0)
      context_tokens_ = context_tokens_ == 0 ? limits.context_tokens : std::min(context_tokens_, limits.context_tokens);
}

Gate::Pass::~Pass() {
  if (subjects_.empty()) return;
  const std::scoped_lock lock(gate_.mutex_);
  for (const auto& [name, limits] : subjects_) --gate_.meters_[name].in_flight;
}

Gate::Verdict Gate::enter(const Access& access, std::int64_t now) {
  std::shared_ptr<Pass> pass(new Pass(*this, access));
  const std::scoped_lock lock(mutex_);
  std::optional<Overrun> refused;
  for (std::size_t i = 0; i < pass->subjects_.size() && !refused; ++i) {
    const auto& [name, limits] = pass->subjects_[i];
    Meter& meter = meters_[name];
    meter.fill(limits, now);
    const bool same_day =
        access.today < 0 || access.today == day_of(now);  // midnight may have passed since the ledger was asked
    const std::int64_t known = i == 0 ? access.account_tokens_today : access.key_tokens_today;
    meter.begin_day(day_of(now), same_day ? known : 0);
    refused = check_entry(meter, limits, now);
  }
  if (refused) {
    pass->subjects_.clear();  // it never was inside, and its end takes no lock
    return *refused;
  }
  for (const auto& [name, limits] : pass->subjects_) ++meters_[name].in_flight;
  return pass;
}

std::optional<Overrun> Gate::Pass::take_prompt(std::int64_t tokens, std::int64_t now) {
  const std::scoped_lock lock(gate_.mutex_);
  for (const auto& [name, limits] : subjects_) {
    Meter& meter = gate_.meters_[name];
    meter.fill(limits, now);
    if (const auto refused = check_prompt(meter, limits, tokens, now)) return refused;
  }
  for (const auto& [name, limits] : subjects_) {
    Meter& meter = gate_.meters_[name];
    meter.level -= static_cast<double>(tokens);
    meter.day_tokens += tokens;
  }
  return std::nullopt;
}

void Gate::Pass::give_back(std::int64_t tokens) { take_answer(-tokens); }

void Gate::Pass::take_answer(std::int64_t tokens) {
  const std::scoped_lock lock(gate_.mutex_);
  for (const auto& [name, limits] : subjects_) {
    Meter& meter = gate_.meters_[name];
    if (limits.tokens_per_minute > 0) meter.level -= static_cast<double>(tokens);
    meter.day_tokens = std::max<std::int64_t>(0, meter.day_tokens + tokens);
  }
}

}  // namespace fathom::accounts
