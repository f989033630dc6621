#include "fathom/trainer/step_reader.h"

#include <utility>

#include "fathom/base/error.h"

namespace fathom::train {
namespace {

constexpr std::size_t kAhead = 2;  // steps waiting: one to begin at once, one in the making

}  // namespace

StepReader::StepReader(StepReaderOptions options) : options_(std::move(options)), left_(options_.steps) {
  thread_ = std::thread([this] { serve(); });
}

StepReader::~StepReader() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

StepRows StepReader::next() {
  std::unique_lock lock(mutex_);
  check(left_ > 0, "a reader is asked for no more steps than it was made for");
  changed_.wait(lock, [&] { return !ready_.empty() || fault_ != nullptr; });
  if (ready_.empty()) std::rethrow_exception(fault_);
  StepRows rows = std::move(ready_.front());
  ready_.pop_front();
  --left_;
  lock.unlock();
  changed_.notify_all();
  return rows;
}

StepRows StepReader::read(RowStream& stream) const {
  StepRows step;
  for (std::int64_t micro_batch = 0; micro_batch < options_.micro_batches; ++micro_batch) {
    std::vector<PackedRow> rows;
    for (std::int64_t row = 0; row < options_.rows; ++row) {
      rows.push_back(stream.next());
      for (const std::int32_t target : rows.back().targets) {
        if (target < 0) continue;
        ++step.target_count;
        if (static_cast<std::size_t>(target) < options_.token_bytes.size())
          step.target_bytes += options_.token_bytes[static_cast<std::size_t>(target)];
      }
    }
    if (micro_batch % options_.ranks == options_.rank)
      step.batches.push_back(make_batch(rows, options_.config, options_.device));
  }
  step.place = stream.place();
  return step;
}

void StepReader::serve() noexcept {
  try {
    RowStream stream(options_.stream);
    if (!options_.place.empty()) stream.seek(options_.place);
    for (std::int64_t step = 0; step < options_.steps; ++step) {
      StepRows rows = read(stream);
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return ready_.size() < kAhead || stopping_; });
      if (stopping_) return;
      ready_.push_back(std::move(rows));
      lock.unlock();
      changed_.notify_all();
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    fault_ = std::current_exception();
    changed_.notify_all();
  }
}

}  // namespace fathom::train
