// A lone token's row on its way from what normed it to the products of it, which read it while the kernel ahead still
// runs: that one has gates to finish which nobody waits for yet.
#pragma once

#include <cstdint>

namespace fathom::cuda {

// Every number lies beside its launch's own, so that nobody takes an older one for it, and nothing has to be cleared
// (24 bits of it beside codes: every launch of a model's writes every place anew). A kernel reads them behind the
// beginning of the one that writes them: all of that one's blocks have their places then.
// What has read one writes its results while the kernel that wrote it still runs. That kernel has read all that it ever
// will before its first number leaves (every number depends on the sums of all of its blocks), and writes nothing
// behind it but gates and the row: it must stay so, for scratch memory is used anew.
struct AwaitedRow {
  std::uint64_t* numbers = nullptr;      // [2, kAwaitedNumbers], the second of rehearsals; null: kernels wait
  const std::uint32_t* first = nullptr;  // added to `launch`, in a recorded step, whose arguments are always the same
  std::uint64_t launch = 0;              // of all those of a backend; the low bits count
};

inline constexpr std::int64_t kMostAwaitedChannels = 8192;
// Where in `numbers`: four codes each (e4m3, as products pack them); one channel each; what is written a microsecond
// ahead of these.
inline constexpr std::int64_t kAwaitedCodes = 0;
inline constexpr std::int64_t kAwaitedFloats = kAwaitedCodes + kMostAwaitedChannels / 4;
inline constexpr std::int64_t kAwaitedSoon = kAwaitedFloats + kMostAwaitedChannels;
inline constexpr std::int64_t kAwaitedNumbers = kAwaitedSoon + 16;

// A channel's among the floats. Of 128 channels a lane reads four that follow each other, two at a time, and a warp all
// of a piece.
constexpr std::int64_t awaited_float(std::int64_t channel) {
  const std::int64_t inside = channel % 128;
  return kAwaitedFloats + channel - inside + inside % 4 / 2 * 64 + inside / 4 * 2 + inside % 2;
}

}  // namespace fathom::cuda
