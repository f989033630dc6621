// Working memory that const, shared objects lend out: a call takes a piece of it, or makes one, and gives it back.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace fathom {

template <typename Scratch>
class ScratchPool {
 public:
  static constexpr std::size_t kKept = 16;  // no more than this many rest in the pool

  // Gives the scratch back when it goes.
  class Loan {
   public:
    Loan(ScratchPool& pool, std::unique_ptr<Scratch> scratch) : pool_(&pool), scratch_(std::move(scratch)) {}
    ~Loan() { pool_->give_back(std::move(scratch_)); }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    Scratch& operator*() const { return *scratch_; }

   private:
    ScratchPool* pool_;
    std::unique_ptr<Scratch> scratch_;
  };

  ScratchPool() { resting_.reserve(kKept); }

  template <typename... Arguments>
  Loan borrow(Arguments&&... arguments) {
    {
      const std::lock_guard lock(mutex_);
      if (!resting_.empty()) {
        std::unique_ptr<Scratch> scratch = std::move(resting_.back());
        resting_.pop_back();
        return Loan(*this, std::move(scratch));
      }
    }
    return Loan(*this, std::make_unique<Scratch>(std::forward<Arguments>(arguments)...));
  }

 private:
  void give_back(std::unique_ptr<Scratch> scratch) {
    const std::lock_guard lock(mutex_);
    if (resting_.size() < kKept) resting_.push_back(std::move(scratch));
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Scratch>> resting_;
};

}  // namespace fathom
