// What the folder's files hold, as a table. Nothing is changed; what cannot be trusted is said and left where it is.
#pragma once

#include <cstdint>
#include <vector>

#include "fathom/store/folder.h"
#include "fathom/store/segment_table.h"
#include "fathom/store/warnings.h"

namespace fathom::store {

struct LoadedSegments {
  std::uint64_t last_number = 0;                // of any file with a segment's name
  std::int64_t skipped_files = 0;               // those that are no segment we can read
  std::int64_t skipped_bytes = 0;               // theirs: they count against the limit, for they bear the store's names
  std::int64_t damaged = 0;                     // stretches inside segments, or whole files, that were skipped
  std::vector<RecordPlace> outdated;            // of blobs that also lie in a newer place
  std::vector<std::uint64_t> damaged_segments;  // in which something was skipped: no place to go on writing
};

LoadedSegments load_segments(const Folder& folder, SegmentTable& table, Warnings& warnings);

}  // namespace fathom::store
