// Steps that launch alike: whatever is held back, compared and launched as a graph, results are those of a backend that
// launches every kernel as it comes.
#include <gtest/gtest.h>

#include <vector>

#include "fathom/backends/cuda/cuda_backend.h"
#include "fathom/ops/downloaded.h"
#include "fathom/tensor/arena.h"

namespace fathom {
namespace {

constexpr std::int64_t kCalls = 210;  // a graph of each size and a part of one, each with spans of its own
constexpr std::int64_t kRows = 3;
constexpr std::int64_t kPairs = 32;

// Every call has its positions staged, and they differ from step to step. In some steps a call has fewer of them.
class Steps {
 public:
  explicit Steps(bool graphs) : backend_(make_cuda_backend({.graphs = graphs})), arena_(backend_->allocator()) {
    frequencies_ = arena_.take<float, 1>({kPairs});
    table_ = arena_.take<float, 3>({2 * kCalls, kRows, kPairs});
    std::vector<float> values;
    for (std::int64_t pair = 0; pair < kPairs; ++pair) values.push_back(1.0F / static_cast<float>(1 + pair));
    backend_->upload(std::as_bytes(std::span(values)), reinterpret_cast<std::byte*>(frequencies_.data()));
  }

  std::vector<float> run(std::int64_t step, std::int64_t fewer_at) {
    backend_->begin_step(kPattern);
    for (std::int64_t call = 0; call < kCalls; ++call) {
      std::vector<std::int64_t> positions;
      for (std::int64_t row = 0; row < kRows; ++row) positions.push_back(1000 * step + kRows * call + row);
      if (call == fewer_at) positions.pop_back();
      const std::int64_t rows = std::ssize(positions);
      backend_->rotary_table({.positions = positions,
                              .frequencies = frequencies_,
                              .cosine = table_[2 * call].rows(0, rows),
                              .sine = table_[2 * call + 1].rows(0, rows)});
    }
    backend_->end_step();
    return downloaded(*backend_, table_);
  }

 private:
  static constexpr std::uint64_t kPattern = 7;

  std::unique_ptr<Backend> backend_;
  Arena arena_;
  View<float, 1> frequencies_;
  View<float, 3> table_;
};

TEST(RecordedSteps, ResultsAreThoseOfKernelsAsTheyCome) {
  if (const std::string obstacle = cuda_obstacle({}); !obstacle.empty()) GTEST_SKIP() << obstacle;
  Steps held_back(true);
  Steps at_once(false);
  constexpr std::int64_t kAsEver = -1;
  std::int64_t step = 0;
  for (const std::int64_t fewer_at :
       {kAsEver, kAsEver, kAsEver, std::int64_t{0}, kAsEver, std::int64_t{50}, kAsEver, kAsEver, kCalls - 1, kAsEver}) {
    EXPECT_TRUE(held_back.run(step, fewer_at) == at_once.run(step, fewer_at)) << "step " << step;
    ++step;
  }
}

}  // namespace
}  // namespace fathom
