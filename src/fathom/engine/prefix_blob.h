// What lies in the store under a key: a page of the prefix tree, or a snapshot with the page that it fills in part.
//
//   Header | ids, int32 | state | page        a page: the ids of its block, no state; a snapshot: the ids behind its
//                                             full blocks, its state, and a page where there are such ids
//
// The store's checksums say that bytes are those which were written. That they are of this layout and of these ids is
// looked at here: nothing of a blob is believed before.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fathom/model/sequence_cache.h"

namespace fathom::prefix_blob {

using Ids = std::span<const std::int32_t>;
using Blob = std::vector<std::byte>;

Blob of_page(Ids block, const Memory& page, Backend& backend);
// `ids`: all of the snapshot's.
Blob of_snapshot(Ids ids, const CacheSnapshot& snapshot, const CacheLayout& layout, Backend& backend);
std::int64_t page_bytes(const CacheLayout& layout);
std::int64_t snapshot_bytes(std::int64_t tokens, const CacheLayout& layout);

// What is wrong with a blob of these ids; empty: nothing.
std::string page_fault(std::span<const std::byte> blob, Ids block, const CacheLayout& layout);
std::string snapshot_fault(std::span<const std::byte> blob, Ids ids, const CacheLayout& layout);

// Of blobs without a fault, into the backend's memory.
SharedPage page(std::span<const std::byte> blob, const CacheLayout& layout, Backend& backend);
CacheSnapshot snapshot(std::span<const std::byte> blob, const CacheLayout& layout, Backend& backend);

}  // namespace fathom::prefix_blob
