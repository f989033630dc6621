// What the engine keeps of its sequences and what they begin with (docs/prefix_cache.md).
#include <algorithm>

#include "fathom/engine/engine_sequence.h"

namespace fathom {

KeptMemory::Claim Engine::claim(SequenceId id) {
  Sequence& sequence = *sequences_.at(id);
  const PrefixCacheConfig& prefix = config_.prefix;
  if (!prefix.on) return {};
  const std::int64_t page = transformer_.cache_layout().page_tokens;
  // The last token is always read: its logits are wanted.
  PrefixTree::Found found = tree_.find(sequence.scope, sequence.tokens, std::ssize(sequence.tokens) - 1);
  if (is_worth_a_look(sequence, found.claim.tokens())) {
    sequence.looked = false;
    return {.wait = true};
  }
  if (found.claim.tokens() >= prefix.minimum) sequence.claim = std::move(found.claim);
  sequence.parting = found.common / page * page;
  sequence.kept = sequence.claim.tokens();
  plan_snapshot(sequence, sequence.kept);
  return {.tokens = sequence.claim.tokens(), .pages = sequence.claim.pages(), .stop = sequence.stop};
}

void Engine::forgo(SequenceId id) {
  Sequence& sequence = *sequences_.at(id);
  sequence.claim = {};
  sequence.kept = 0;
}

void Engine::plan_snapshot(Sequence& sequence, std::int64_t read) const {
  sequence.next_kept = sequence.stop = kNever;
  const PrefixCacheConfig& prefix = config_.prefix;
  if (!prefix.on) return;
  const auto consider = [&](std::int64_t tokens, std::int64_t stop) {
    if (tokens <= read || tokens < prefix.minimum || tokens - sequence.kept < kLeastGain) return;
    if (stop >= sequence.stop) return;
    sequence.next_kept = tokens;
    sequence.stop = stop;
  };
  consider(sequence.parting, sequence.parting);
  for (const std::int64_t wished : sequence.snapshot_at) consider(wished, wished);
  const std::int64_t regular = (read / prefix.interval + 1) * prefix.interval;
  consider(regular, regular);
  // Before the prompt's last token: the same prompt again has one to read, and histories change what comes last.
  const std::int64_t rollback = transformer_.cache_layout().window_rows - transformer_.config().window;
  const std::int64_t prompt = sequence.prompt_tokens;
  consider(prompt - 1, std::min(prompt, prompt - 1 + rollback));
}

bool Engine::keep_within_limit(std::int64_t more_bytes) {
  const std::int64_t limit = config_.prefix.bytes;
  if (limit == 0) return true;
  if (bytes() + more_bytes > limit) tree_.release(bytes() + more_bytes - limit);
  return bytes() + more_bytes <= limit;
}

// What cannot be kept, for want of memory, is not: the sequence goes on.
void Engine::take_snapshots(const Batch& batch) {
  const CacheLayout& layout = transformer_.cache_layout();
  for (const Part& part : batch.parts) {
    if (!sequences_.contains(part.id)) continue;  // a fault ended it
    Sequence* const sequence = part.sequence;
    if (disk_) put_pages(*sequence);
    if (sequence->read() < sequence->stop) continue;
    const std::int64_t tokens = sequence->next_kept;
    const auto ids = sequence->first(tokens);
    within_memory([&] { tree_.share(sequence->pin, sequence->scope, ids, *sequence->cache); });
    scheduler_.share(sequence->id, sequence->pin.pages());
    const std::int64_t bytes = layout.state_bytes + (tokens % layout.page_tokens > 0 ? layout.page_bytes : 0);
    const bool shared = sequence->pin.pages() == tokens / layout.page_tokens;
    within_memory([&] {
      if (!shared ||
          (tree_.deepest(sequence->scope, ids) < tokens && !(keep_within_limit(bytes) && scheduler_.free_up(bytes))))
        return;
      tree_.keep(sequence->pin, ids, [&] {
        CacheSnapshot snapshot = sequence->cache->snapshot(tokens, transformer_.backend());
        put_snapshot(*sequence, snapshot);
        return snapshot;
      });
      sequence->kept = tokens;
    });
    plan_snapshot(*sequence, sequence->read());
    scheduler_.stop_at(sequence->id, sequence->stop);
  }
}

// What a step sampled behind a stop string, or before the loop heard that a client had left, is nobody's history.
std::int64_t Engine::tokens_to_keep(const Sequence& sequence) const {
  static_assert(kMostDrafts < kLeastGain, "what is kept lies behind where the sequence went on");
  const std::int64_t read = sequence.read();
  if (sequence.answered >= read - sequence.prompt_tokens) return read;
  const CacheLayout& layout = transformer_.cache_layout();
  const std::int64_t rollback = layout.window_rows - transformer_.config().window;
  const std::int64_t known = sequence.prompt_tokens + sequence.answered;
  const bool shared = sequence.pin.pages() > known / layout.page_tokens;  // a page behind it is others' too
  return sequence.cache->furthest() - known > rollback || shared ? read : known;
}

void Engine::retire(SequenceId id) {
  Sequence& sequence = *sequences_.at(id);
  sequence.claim = {};
  const std::int64_t tokens = tokens_to_keep(sequence);
  if (config_.prefix.on && tokens >= config_.prefix.minimum && tokens - sequence.kept >= kLeastGain) {
    if (disk_) put_pages(sequence);
    within_memory([&] {
      const auto ids = sequence.first(tokens);
      tree_.share(sequence.pin, sequence.scope, ids, *sequence.cache);
      tree_.keep(sequence.pin, ids, [&] {
        sequence.cache->set_tokens(tokens);
        CacheSnapshot snapshot = sequence.cache->retire();
        put_snapshot(sequence, snapshot);
        return snapshot;
      });
    });
    // Parked, it comes back, and may have to look on disk for what memory could not hold.
    sequence.on_disk = std::max(sequence.on_disk, tokens);
    sequence.looks = 0;
  }
  sequence.cache.reset();
  sequence.pin.drop();
  keep_within_limit(0);
}

}  // namespace fathom
