// What a segment holds: by its index where it is sealed, else by going from record to record, and on behind damage.
// Bodies are not read here: whoever takes a blob out checks it (record_reader.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fathom/store/file.h"
#include "fathom/store/segment_format.h"

namespace fathom::store {

struct SegmentContents {
  SegmentIdentity identity;
  std::vector<IndexEntry> records;  // by offset, none over another
  std::int64_t end = 0;             // of the last whole record: the next may begin here
  std::int64_t file_bytes = 0;
  bool sealed = false;              // the index is valid
  std::vector<std::string> faults;  // what was skipped, in words
};

// InputError: the file is no segment of that number, or cannot be read.
SegmentContents read_segment(const File& file, std::uint64_t number);

}  // namespace fathom::store
