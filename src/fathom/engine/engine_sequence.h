// A request as the engine goes through it. For engine.cpp, engine_prefix.cpp and engine_disk.cpp alone.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "fathom/engine/engine.h"
#include "fathom/engine/repetition_index.h"

namespace fathom {

// What is guessed of one sequence (docs/speculation.md).
struct SequenceDrafts {
  std::vector<DraftedToken> tokens = {};  // behind all that are known, for the next step
  std::vector<std::int32_t> ids = {};     // of a step: the token that is known, and those
  Acceptance acceptance;
  RepetitionIndex repetitions = {};
  // The MTP block has taken the positions mtp_from to mtp_to; its cache counts from mtp_from on, since rotations tell
  // nothing but distances. Equal: none.
  std::int64_t mtp_from = 0;
  std::int64_t mtp_to = 0;
  std::int64_t pause = 0;        // tokens, the next time that it does not pay
  std::int64_t pause_until = 0;  // so many are known
  std::int64_t trial_until = 0;  // so many are known, it is drafted whether it pays or not
  std::int64_t drafted = 0;
  std::int64_t accepted = 0;
};

// tokens = prompt and what was sampled; those below cache->tokens() have been through the model.
struct Engine::Sequence {
  SequenceId id = 0;
  std::optional<SequenceCache> cache;  // while it runs
  std::vector<std::int32_t> tokens;
  std::int64_t prompt_tokens = 0;
  std::int64_t answered = kAllAnswered;  // of the answer, what its client knows of
  SamplingParams sampling;
  std::shared_ptr<TokenConstraint> constraint;

  std::string scope;
  PrefixTree::Claim claim;                      // from admission until it has a cache
  PrefixTree::Pin pin;                          // of the pages that it shares
  std::int64_t cached_tokens = -1;              // when it was first admitted
  std::vector<std::int64_t> snapshot_at;        // where its request wishes one
  std::int64_t parting = 0;                     // where others' tokens part from its own, 0: nowhere
  std::int64_t kept = 0;                        // its newest snapshot
  std::int64_t next_kept = KeptMemory::kNever;  // the snapshot that is to come, as soon as so many are read:
  std::int64_t stop = KeptMemory::kNever;

  std::optional<PrefixChain> chain;  // names on disk, where there is one
  bool looked = false;               // there, since it waits
  int looks = 0;
  std::int64_t on_disk = 0;    // length of what lies there, or was left behind
  std::int64_t loaded = 0;     // of those, what was not in memory before
  std::int64_t put_pages = 0;  // handed over to be written, or there
  std::chrono::steady_clock::time_point load_begin = {};
  std::unique_ptr<PrefixLoad> load;

  SequenceDrafts drafts;

  std::int64_t read() const { return cache ? cache->tokens() : 0; }
  std::int64_t waiting() const { return std::ssize(tokens) - read(); }
  bool ends_with(std::int32_t token) const {
    const auto& stops = sampling.stop_tokens;
    return std::find(stops.begin(), stops.end(), token) != stops.end();
  }
  std::span<const std::int32_t> first(std::int64_t count) const {
    return std::span(tokens).first(static_cast<std::size_t>(count));
  }
};

// A snapshot that would spare fewer tokens is not worth its copy.
inline constexpr std::int64_t kLeastGain = 16;

// False when there was not the memory: an allocator of a GPU says so by an InputError.
template <typename Action>
bool within_memory(Action&& action) {
  try {
    action();
    return true;
  } catch (const std::bad_alloc&) {
  } catch (const InputError&) {
  }
  return false;
}

}  // namespace fathom
