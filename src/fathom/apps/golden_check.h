// Compares the model with the answers of the released reference (goldens-*.safetensors beside a checkpoint): logits at
// every position, MTP logits, residual streams at the probe positions, routed experts and indexed entries as sets.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "fathom/checkpoint/safetensors_file.h"
#include "fathom/model/transformer.h"

namespace fathom {

struct Difference {
  double largest = 0.0;
  double sum = 0.0;
  std::int64_t values = 0;
  bool finite = true;

  void add(float found, float expected);
  double mean() const { return values == 0 ? 0.0 : sum / static_cast<double>(values); }
};

// Sets that differ although no scores tie, and sets that differ where scores lie within 1e-6 of each other.
struct SetDifference {
  std::int64_t sets = 0;
  std::int64_t wrong = 0;
  std::int64_t ties = 0;
};

struct GoldenTolerance {
  double logits_largest = 0.0;
  double logits_mean = 0.0;
  double streams_largest = 0.0;
  double mtp_largest = 0.0;
};

struct GoldenReport {
  std::string name;  // of the file
  CacheStorage storage = CacheStorage::float32;
  GoldenTolerance tolerance;
  std::int64_t tokens = 0;
  std::int64_t tied_rows = 0;  // left out of logits and mtp: a tie there was broken the other way
  Difference logits;
  Difference mtp;
  Difference streams;
  SetDifference experts;
  SetDifference index;
  std::vector<std::string> not_compared;  // tensors of the golden that nothing in this checkpoint answers to

  bool passed() const;
  std::string line() const;  // one line for people
  std::string json() const;
};

// goldens-*.safetensors beside the checkpoint, sorted. goldens-released* asks for the released cache.
std::vector<std::filesystem::path> find_goldens(const std::filesystem::path& directory);
CacheStorage storage_of_golden(const std::filesystem::path& golden);

// The lengths of the runs that the golden's tokens are fed in. The default is the oracle's own schedule: the prompt in
// one prefill, then token by token.
using RunLengths = std::function<std::int64_t(std::int64_t start, std::int64_t prompt, std::int64_t total)>;
std::int64_t oracle_run_lengths(std::int64_t start, std::int64_t prompt, std::int64_t total);

// `transformer` keeps its cache as storage_of_golden(golden) says. InputError when the golden does not fit the
// checkpoint.
GoldenReport check_golden(Transformer& transformer, const std::filesystem::path& golden,
                          const RunLengths& run_lengths = oracle_run_lengths);

}  // namespace fathom
