#include "fathom/store/write_budget.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace fathom::store {
namespace {

constexpr std::array<char, 8> kMagic = {'F', 'A', 'T', 'H', 'O', 'M', 'W', '1'};
constexpr std::int64_t kSecondsADay = 86'400;
constexpr std::int64_t kMostPromise = std::int64_t{16} << 20;

struct DayRecord {
  std::array<char, 8> magic{};
  std::int64_t day = 0;  // since 1970
  std::int64_t bytes = 0;
  std::uint64_t checksum = 0;
};

std::uint64_t checksum_of(const DayRecord& record) {
  return XXH3_64bits(&record, sizeof(record) - sizeof(record.checksum));
}

}  // namespace

WriteBudget::WriteBudget(const Folder& folder, Warnings& warnings, std::int64_t bytes_a_day, WallClock now)
    : folder_(folder), bytes_a_day_(bytes_a_day), now_(std::move(now)) {
  day_ = now_() / kSecondsADay;
  try {
    const auto contents = folder_.read_small(kBudgetName, sizeof(DayRecord) + 1);
    if (!contents) return;
    DayRecord record;
    if (contents->size() == sizeof(record)) std::memcpy(&record, contents->data(), sizeof(record));
    if (record.magic != kMagic || record.checksum != checksum_of(record) || record.bytes < 0)
      throw InputError("[store] {} is damaged", kBudgetName);
    if (record.day == day_) spent_ = promised_ = record.bytes;
  } catch (const InputError& error) {
    warnings.say(fmt::format("{}; what was written today counts from nothing", error.what()));
  }
}

// Any other day is a new one, also an earlier one: a clock that was wrong once does not close the store for years.
void WriteBudget::turn_page() {
  const std::int64_t today = now_() / kSecondsADay;
  if (today == day_) return;
  day_ = today;
  spent_ = promised_ = 0;
}

bool WriteBudget::allows(std::int64_t bytes) {
  turn_page();
  return bytes <= bytes_a_day_ - std::min(spent_, bytes_a_day_);
}

void WriteBudget::spend(std::int64_t bytes) {
  turn_page();
  if (spent_ + bytes > promised_) save(spent_ + bytes + std::min(kMostPromise, bytes_a_day_ / 16));
  spent_ += bytes;
}

void WriteBudget::settle() {
  if (promised_ != spent_) save(spent_);
}

void WriteBudget::save(std::int64_t bytes) {
  DayRecord record{.magic = kMagic, .day = day_, .bytes = bytes, .checksum = 0};
  record.checksum = checksum_of(record);
  folder_.replace_small(kBudgetName, std::as_bytes(std::span(&record, 1)));
  promised_ = bytes;
}

}  // namespace fathom::store
