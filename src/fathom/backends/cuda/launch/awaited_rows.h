// Which of a lone token's products read their row before the kernel ahead has ended (kernels/awaited_row.h).
#pragma once

#include "fathom/backends/cuda/device/staged_spans.h"
#include "fathom/backends/cuda/device/step_recorder.h"
#include "fathom/backends/cuda/kernels/awaited_row.h"

namespace fathom::cuda {

class AwaitedRows {
 public:
  AwaitedRows(Allocator& device_memory, StepRecorder& recorder, StagedSpans& staged)
      : memory_(device_memory, 2 * kAwaitedNumbers * std::int64_t{sizeof(std::uint64_t)}),
        recorder_(recorder),
        staged_(staged) {}

  // A row of the step before is not awaited: what tells its launch's number lies in memory that is staged anew.
  void begin_step() {
    first_ = nullptr;
    forget();
  }

  // For what writes a row, and what reads it.
  AwaitedRow next() {
    if (!recorder_.open()) first_ = nullptr;
    if (recorder_.open() && first_ == nullptr) {
      const auto first = static_cast<std::uint32_t>(launches_);
      first_ = staged_.stage(std::span(&first, 1));
      launches_before_ = launches_;
      if (!recorder_.open()) first_ = nullptr;  // no room: the step is not recorded further
    }
    ++launches_;
    return {.numbers = reinterpret_cast<std::uint64_t*>(memory_.data()),
            .first = first_,
            .launch = first_ != nullptr ? launches_ - launches_before_ : launches_};
  }

  // The row is written by the last launch, and there too.
  void wrote(const float* row, std::int64_t channels, const AwaitedRow& where) {
    row_ = {row, {1, channels}};
    where_ = where;
    calls_ = recorder_.calls();
  }
  // Nothing else has been launched since, or nothing is awaited.
  AwaitedRow of(View<const float, 2> rows) const {
    const bool last = rows.data() == row_.data() && rows.shape() == row_.shape() && calls_ == recorder_.calls();
    return last ? where_ : AwaitedRow();
  }
  void forget() { row_ = {}; }

 private:
  Memory memory_;
  StepRecorder& recorder_;
  StagedSpans& staged_;
  const std::uint32_t* first_ = nullptr;  // launches before the step's first, where its kernels find them
  std::uint64_t launches_before_ = 0;
  std::uint64_t launches_ = 0;
  View<const float, 2> row_;
  AwaitedRow where_;
  std::uint64_t calls_ = 0;
};

}  // namespace fathom::cuda
