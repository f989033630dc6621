// What the engine reads from disk for those that wait, and what it hands over to be written (docs/prefix_store.md).
//
//   submitted ─held─▶ looked up ──▶ on its way ──▶ in the tree ─▶ admitted, as with any prefix in memory
//                        └─ nothing there, or no room for it ──────▲
#include <algorithm>

#include "fathom/engine/engine_sequence.h"

namespace fathom {
namespace {

constexpr std::int64_t kMostLoads = 4;  // at a time: more would only share the disk
constexpr int kMostLooks = 3;           // of one sequence: what was found may be damaged, or evicted before its turn
// Taken in a step: a few milliseconds beside others' tokens.
constexpr std::int64_t kBytesBesideOthers = std::int64_t{32} << 20;
constexpr std::int64_t kBytesAlone = std::int64_t{256} << 20;

}  // namespace

// Whether more of it than what was found in memory is known to lie on disk.
bool Engine::is_worth_a_look(const Sequence& sequence, std::int64_t found) const {
  return disk_ && sequence.looks < kMostLooks && sequence.on_disk >= found + kLeastGain &&
         sequence.on_disk < std::ssize(sequence.tokens);
}

// Room for a load out of what nobody uses; what runs is not touched, nor are other loads.
bool Engine::reserve(std::int64_t more) {
  if (!keep_within_limit(more)) return false;
  if (config_.cache_bytes == 0) return true;
  const std::int64_t lacking = scheduler_.cache_bytes() + bytes() + more - config_.cache_bytes;
  if (lacking > tree_.spare_bytes()) return false;
  if (lacking > 0) tree_.release(lacking);
  return true;
}

void Engine::look_on_disk(Sequence& sequence) {
  sequence.looked = true;
  ++sequence.looks;
  const std::int64_t most = std::ssize(sequence.tokens) - 1;  // the last token is always read
  const std::int64_t in_memory = tree_.deepest(sequence.scope, sequence.first(most));
  const std::int64_t found =
      disk_->deepest(*sequence.chain, sequence.tokens, std::max(config_.prefix.minimum, in_memory + kLeastGain), most);
  sequence.on_disk = found;
  const auto ids = sequence.first(found);
  const std::int64_t pages =
      std::min(tree_.pages(sequence.scope, ids), found / transformer_.cache_layout().page_tokens);
  if (found > 0 && is_worth_a_load(sequence, in_memory, pages)) {
    sequence.load = disk_->load(*sequence.chain, ids, pages);
    sequence.load_begin = std::chrono::steady_clock::now();
    if (reserve(sequence.load->bytes())) {
      ++loads_;
      load_bytes_ += sequence.load->bytes();
      sequence.loaded = found - in_memory;
      return;
    }
    sequence.load.reset();
  }
  scheduler_.hold(sequence.id, false);
}

bool Engine::is_worth_a_load(Sequence& sequence, std::int64_t in_memory, std::int64_t pages) {
  const std::int64_t bytes = PrefixLoad::bytes_of(transformer_.cache_layout(), sequence.on_disk, pages);
  const bool takes = disk_->loads() == PrefixLoads::always ||
                     (disk_->loads() == PrefixLoads::when_quicker &&
                      load_choice_.takes({.from = in_memory, .to = sequence.on_disk, .bytes = bytes}));
  if (takes) return true;
  ++counts_.disk_forgone;
  sequence.looks = kMostLooks;  // it would be found again before its turn
  return false;
}

void Engine::abandon_load(Sequence& sequence) {
  if (!sequence.load) return;
  --loads_;
  load_bytes_ -= sequence.load->bytes();
  sequence.load.reset();
  sequence.loaded = 0;
  scheduler_.hold(sequence.id, false);
}

void Engine::finish_load(Sequence& sequence, bool whole) {
  PrefixLoad& load = *sequence.load;
  if (whole)
    load_choice_.disk_read(
        load.bytes(), std::chrono::duration<double>(std::chrono::steady_clock::now() - sequence.load_begin).count());
  const std::int64_t loaded = sequence.loaded;
  bool kept = false;
  if (whole)
    within_memory([&] {
      kept = tree_.adopt(sequence.scope, load.ids(), load.first_page(), load.pages(),
                         [&] { return load.take_snapshot(); });
    });
  abandon_load(sequence);
  if (kept)
    sequence.loaded = loaded;
  else if (sequence.looks < kMostLooks) {  // something of it was damaged, or has gone: what is left?
    sequence.looked = false;
    scheduler_.hold(sequence.id, true);
  }
}

void Engine::advance_loads() {
  const std::int64_t bytes = scheduler_.running() > 0 ? kBytesBesideOthers : kBytesAlone;
  for (const auto& of_id : sequences_) {
    Sequence& sequence = *of_id.second;
    if (!sequence.load) continue;
    PrefixLoad::State state = PrefixLoad::State::failed;
    if (!within_memory([&] { state = sequence.load->advance(bytes / loads_); }))
      abandon_load(sequence);
    else if (state != PrefixLoad::State::reading)
      finish_load(sequence, state == PrefixLoad::State::whole);
  }
  for (const auto& of_id : sequences_) {
    Sequence& sequence = *of_id.second;
    if (loads_ < kMostLoads && !sequence.looked && !sequence.cache)
      if (!within_memory([&] { look_on_disk(sequence); })) scheduler_.hold(sequence.id, false);
  }
}

// First what can be read again from elsewhere in memory, then what is on its way, the newest first.
void Engine::release(std::int64_t bytes) {
  const std::int64_t goal = this->bytes() - bytes;
  tree_.release(bytes);
  for (auto entry = sequences_.rbegin(); entry != sequences_.rend() && this->bytes() > goal; ++entry)
    abandon_load(*entry->second);
}

void Engine::put_pages(Sequence& sequence) {
  const CacheLayout& layout = transformer_.cache_layout();
  if (layout.page_bytes == 0 || sequence.read() < config_.prefix.minimum) return;
  within_memory([&] {
    const std::int64_t full = sequence.read() / layout.page_tokens;
    sequence.chain->extend(sequence.tokens, full);
    for (; sequence.put_pages < full; ++sequence.put_pages)
      disk_->put_page(*sequence.chain, sequence.tokens, sequence.put_pages, sequence.cache->page(sequence.put_pages));
  });
}

// Pages are written once, a state with every snapshot: it is when it spares so many tokens beside the newest that is
// there that nobody would rather read them anew than have its bytes on disk.
bool Engine::is_worth_writing(Sequence& sequence, std::int64_t tokens) {
  const std::int64_t before = tokens - 1;
  const std::int64_t worth = std::max(kLeastGain, disk_->tokens_worth_writing());
  const std::int64_t least = std::max(config_.prefix.minimum, tokens - worth + 1);
  return least > before || disk_->deepest(*sequence.chain, sequence.first(before), least, before) == 0;
}

// A snapshot is of use with its pages alone, which were handed over before it.
void Engine::put_snapshot(Sequence& sequence, const CacheSnapshot& snapshot) {
  if (!disk_) return;
  within_memory([&] {
    if (!is_worth_writing(sequence, snapshot.tokens)) return;
    const auto ids = sequence.first(snapshot.tokens);
    sequence.chain->extend(ids, snapshot.tokens / transformer_.cache_layout().page_tokens);
    disk_->put_snapshot(*sequence.chain, ids, snapshot);
  });
}

}  // namespace fathom
