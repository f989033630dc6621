// How much may still be written today (UTC), counted across restarts in a small file of the folder.
//
// The file runs ahead: it promises some megabytes before they are written, so that a process that is killed has counted
// too much, never too little.
#pragma once

#include <cstdint>
#include <functional>

#include "fathom/store/folder.h"
#include "fathom/store/warnings.h"

namespace fathom::store {

// Seconds since 1970.
using WallClock = std::function<std::int64_t()>;

constexpr const char* kBudgetName = "written_today";

class WriteBudget {
 public:
  // The folder and the warnings outlive the budget. A damaged file is warned of and counts as nothing written.
  WriteBudget(const Folder& folder, Warnings& warnings, std::int64_t bytes_a_day, WallClock now);

  // Whether so much may be written.
  bool allows(std::int64_t bytes);
  // Counts it. FileError when the promise cannot be written.
  void spend(std::int64_t bytes);
  std::int64_t spent_today() const { return spent_; }
  // What was written to the byte, when no more comes.
  void settle();

 private:
  void turn_page();
  void save(std::int64_t bytes);

  const Folder& folder_;
  const std::int64_t bytes_a_day_;
  const WallClock now_;
  std::int64_t day_ = 0;
  std::int64_t spent_ = 0;
  std::int64_t promised_ = 0;  // what the file says, at least spent_
};

}  // namespace fathom::store
