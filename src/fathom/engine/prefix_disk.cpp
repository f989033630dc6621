#include "fathom/engine/prefix_disk.h"

#include <algorithm>

#include "fathom/engine/prefix_blob.h"

namespace fathom {
namespace {

// To be raised with every change of what a token's numbers are, or of how they lie in a cache.
constexpr std::int64_t kNumericsVersion = 2;

Digest numerics_of(const std::string& identity, const CacheLayout& layout, const Backend& backend) {
  Hasher hasher;
  hasher.add("fathom prefix").add(kNumericsVersion).add(identity).add(backend.numerics());
  hasher.add(static_cast<std::int64_t>(layout.entry.storage)).add(layout.entry.row_bytes());
  hasher.add(layout.index_key.row_bytes()).add(layout.window_rows);
  hasher.add(layout.page_tokens).add(layout.page_bytes).add(layout.state_bytes);
  for (const BlockCacheLayout& block : layout.blocks) {
    for (const std::int64_t number :
         {static_cast<std::int64_t>(block.kind), block.ratio, block.window_offset, block.tail_rows, block.tail.columns,
          block.tail.kv_offset, block.tail.gate_offset, block.index_tail.columns, block.index_tail.kv_offset,
          block.index_tail.gate_offset, block.entries_per_page, block.entries_offset, block.index_keys_offset})
      hasher.add(number);
  }
  return hasher.finish();
}

}  // namespace

PrefixDisk::PrefixDisk(PrefixDiskConfig config, const CacheLayout& layout, Backend& backend)
    : config_(std::move(config)),
      layout_(layout),
      backend_(backend),
      numerics_(numerics_of(config_.identity, layout, backend)) {}

// Pages first, from the beginning: what lies behind one that is missing cannot be used. Then the lengths of the last
// block that is there, from the longest down, and those of the blocks before.
std::int64_t PrefixDisk::deepest(PrefixChain& chain, Ids ids, std::int64_t least, std::int64_t most) const {
  const std::int64_t page = layout_.page_tokens;
  std::int64_t full = 0;
  for (; (full + 1) * page <= most; ++full) {
    chain.extend(ids, full + 1);
    if (layout_.page_bytes > 0 && !config_.store->contains(chain.page(full))) break;
  }
  for (; full >= 0 && (full + 1) * page > least; --full) {
    const std::int64_t behind = std::min(most - full * page, page - 1);
    const auto keys =
        chain.snapshots(full, ids.subspan(static_cast<std::size_t>(full * page), static_cast<std::size_t>(behind)));
    for (std::int64_t length = behind; length >= 0 && full * page + length >= least; --length)
      if (config_.store->contains(keys[static_cast<std::size_t>(length)])) return full * page + length;
  }
  return 0;
}

std::unique_ptr<PrefixLoad> PrefixDisk::load(const PrefixChain& chain, Ids ids, std::int64_t first_page) const {
  PrefixLoad::Wanted wanted{
      .ids = {ids.begin(), ids.end()}, .snapshot = chain.snapshot(ids), .first_page = first_page, .pages = {}};
  for (std::int64_t index = first_page; index < std::ssize(ids) / layout_.page_tokens && layout_.page_bytes > 0;
       ++index)
    wanted.pages.push_back(chain.page(index));
  return std::make_unique<PrefixLoad>(PrefixLoadParts{*config_.store, layout_, backend_, bell_, config_.warn},
                                      std::move(wanted));
}

bool PrefixDisk::wants(const store::BlobKey& key, std::int64_t bytes) {
  if (config_.store->renew(key)) return false;
  const bool taken = config_.store->takes(bytes);
  dropped_ += taken ? 0 : 1;
  return taken;
}

void PrefixDisk::put_page(const PrefixChain& chain, Ids ids, std::int64_t index, const SharedPage& page) {
  const store::BlobKey key = chain.page(index);
  if (!wants(key, prefix_blob::page_bytes(layout_))) return;
  const auto tokens = static_cast<std::size_t>(layout_.page_tokens);
  const Ids block = ids.subspan(static_cast<std::size_t>(index) * tokens, tokens);
  config_.store->put(key, prefix_blob::of_page(block, *page, backend_));
}

void PrefixDisk::put_snapshot(const PrefixChain& chain, Ids ids, const CacheSnapshot& snapshot) {
  const store::BlobKey key = chain.snapshot(ids);
  if (!wants(key, prefix_blob::snapshot_bytes(std::ssize(ids), layout_))) return;
  config_.store->put(key, prefix_blob::of_snapshot(ids, snapshot, layout_, backend_));
}

}  // namespace fathom
