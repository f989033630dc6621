#include "fathom/store/warnings.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace fathom::store {
namespace {

constexpr std::chrono::minutes kSilence{1};

}  // namespace

Warnings::Warnings(Listener listener, Clock clock) : listener_(std::move(listener)), clock_(std::move(clock)) {}

void Warnings::say(std::string_view text) {
  if (!listener_) return;
  const std::lock_guard lock(mutex_);
  listener_(text);
}

void Warnings::say(Trouble kind, std::string_view text) {
  if (!listener_) return;
  const std::lock_guard lock(mutex_);
  Said& said = said_.at(static_cast<std::size_t>(kind));
  const auto now = clock_();
  if (said.ever && now - said.last < kSilence) {
    ++said.unheard;
    return;
  }
  said.ever = true;
  said.last = now;
  const std::int64_t unheard = std::exchange(said.unheard, 0);
  listener_(unheard == 0 ? std::string(text) : fmt::format("{} (and {} more of the kind before)", text, unheard));
}

}  // namespace fathom::store
