// Where tokens come from, as whoever serves them sees it: the engine's loop, or a script in the tests. Any thread may
// call; nothing blocks for longer than a lock is held.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "fathom/engine/engine.h"

namespace fathom {

// How far a prompt is read, in tokens.
struct PromptProgress {
  std::int64_t read = 0;   // so far, those found in the cache included
  std::int64_t found = 0;  // in the cache
};

// Takes what one request gets, on the generator's thread: it hands over and returns, it does not block, throw or call
// the generator.
class TokenSink {
 public:
  virtual ~TokenSink() = default;
  // Between steps, while the prompt is read.
  virtual void on_progress(const PromptProgress& progress) = 0;
  // In order; the last one has a finish that is not none. Nothing comes after cancel() has returned.
  virtual void on_token(const TokenEvent& event) = 0;
};

// A refusal is an ordinary answer.
struct Refusal {
  enum class Reason : std::uint8_t { queue_full, user_limit, account_limit, too_large, draining };
  Reason reason = Reason::queue_full;
  std::string message;               // with both figures
  double retry_after_seconds = 0.0;  // 0: never, as it is
};

struct GeneratorLoad {
  std::int64_t running = 0;  // sequences that take part in steps
  std::int64_t waiting = 0;  // accepted, not begun
  std::int64_t queue_limit = 0;
  std::int64_t cache_bytes = 0;  // of running sequences and what is kept
  std::int64_t cache_bytes_limit = 0;
  std::int64_t prompt_tokens = 0;   // read since the start, those found in the cache not counted
  std::int64_t cached_tokens = 0;   // found in the cache since the start
  std::int64_t sampled_tokens = 0;  // since the start
  std::int64_t steps = 0;
  std::int64_t prefix_hits = 0;       // requests that found some of their prompt, since the start
  std::int64_t prefix_bytes = 0;      // kept, of cache_bytes
  std::int64_t prefix_snapshots = 0;  // kept
  std::int64_t prefix_evictions = 0;  // since the start
  // What is kept on disk besides, by all models that share the folder; all zero where there is none.
  std::int64_t disk_bytes = 0;          // of its files
  std::int64_t disk_blobs = 0;          // pages and snapshots
  std::int64_t disk_written_bytes = 0;  // these and all below since the start
  std::int64_t disk_read_bytes = 0;
  std::int64_t disk_dropped =
      0;  // blobs that were not written: the disk is too slow or full, or the day's volume is spent
  std::int64_t disk_damaged = 0;     // blobs and files that could not be trusted
  std::int64_t disk_hits = 0;        // this model's requests that found more on disk than in memory
  std::int64_t disk_tokens = 0;      // that they found there
  std::int64_t disk_forgone = 0;     // its requests whose prefix the model read, as that seemed quicker
  std::int64_t drafted_tokens = 0;   // guessed and verified since the start
  std::int64_t accepted_tokens = 0;  // of them, those that were right
  bool draining = false;
  std::vector<BackendFigure> backend = {};
};

class Generator {
 public:
  virtual ~Generator() = default;
  // InputError when the request cannot be, whatever the load (Engine::submit). The sink lives until its last event or
  // cancel().
  virtual std::variant<SequenceId, Refusal> submit(GenerationRequest request, std::shared_ptr<TokenSink> sink) = 0;
  // Within one step the sequence is gone. Unknown ids are ignored.
  void cancel(SequenceId id) { cancel_behind(id, kAllAnswered); }
  // The same; so many tokens of the answer are known to whoever asked for it (Engine::cancel).
  virtual void cancel_behind(SequenceId id, std::int64_t answered) = 0;
  virtual GeneratorLoad load() const = 0;
  // Block by block since the start; none: nobody counts.
  virtual std::vector<BlockChoices> expert_choices() const { return {}; }
  // Accepts nothing more; what runs goes on. Returns at once.
  virtual void drain() = 0;
};

}  // namespace fathom
