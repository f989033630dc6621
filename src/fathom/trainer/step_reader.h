// The rows of one step after the other, read and packed on a thread of their own while the last step is computed.
#pragma once

#include <torch/types.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "fathom/corpus/row_stream.h"
#include "fathom/spec/model_config.h"
#include "fathom/trainer/packed_batch.h"
#include "fathom/trainer/recipe.h"

namespace fathom::train {

struct StepRows {
  std::vector<PackedBatch> batches;  // this rank's micro-batches
  std::int64_t target_count = 0;     // of the whole step, over all ranks
  std::int64_t target_bytes = 0;     // bytes of text that those targets stand for; 0 when unknown
  std::string place;                 // of the stream after this step
};

struct StepReaderOptions {
  RowStreamOptions stream;  // all ranks' rows: every rank reads the whole stream and takes its micro-batches
  std::string place;        // where to go on; empty: at the stream's beginning
  std::int64_t rows = 1;    // of a micro-batch
  std::int64_t micro_batches = 1;
  std::int64_t rank = 0;  // takes micro-batches rank, rank + ranks, ...
  std::int64_t ranks = 1;
  std::int64_t steps = 0;  // to read in all
  ModelConfig config;
  torch::Device device = torch::kCPU;
  std::vector<std::int32_t> token_bytes;  // [vocab]; empty: bytes are not counted
};

class StepReader {
 public:
  explicit StepReader(StepReaderOptions options);
  ~StepReader();
  StepReader(const StepReader&) = delete;
  StepReader& operator=(const StepReader&) = delete;

  // The next step; what the reading thread could not read is thrown here. InternalError after the last.
  StepRows next();

 private:
  StepRows read(RowStream& stream) const;
  void serve() noexcept;

  StepReaderOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<StepRows> ready_;
  std::exception_ptr fault_;
  std::int64_t left_ = 0;  // steps that next() will still give
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace fathom::train
