// What an operator should know, said to whoever listens: each kind at most once a minute, so that a dying disk does not
// fill the log.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string_view>

namespace fathom::store {

enum class Trouble : std::uint8_t { damaged_blob, lost_segment, write_refused, read_refused, budget_spent, no_room };

class Warnings {
 public:
  using Listener = std::function<void(std::string_view text)>;
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  // The listener may be called from any thread, by one at a time; it must not throw. Without one nothing is said.
  explicit Warnings(Listener listener, Clock clock = &std::chrono::steady_clock::now);

  // Of something that comes once, such as a file that is found damaged at the start.
  void say(std::string_view text);
  // Of something that may come a thousand times; the next text that is heard says how many were not.
  void say(Trouble kind, std::string_view text);

 private:
  struct Said {
    bool ever = false;
    std::chrono::steady_clock::time_point last;
    std::int64_t unheard = 0;
  };

  const Listener listener_;
  const Clock clock_;
  std::mutex mutex_;
  std::array<Said, static_cast<std::size_t>(Trouble::no_room) + 1> said_{};
};

}  // namespace fathom::store
