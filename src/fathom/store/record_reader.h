// A blob from its place, checked to the last bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fathom/store/folder.h"
#include "fathom/store/segment_format.h"

namespace fathom::store {

enum class ReadState : std::uint8_t {
  whole,
  missing,  // there is no such file any more
  erased,
  damaged,  // not what was written, or the disk cannot read it
  refused,  // the system will not read now, and says nothing about the file: too many open files
};

struct RecordRead {
  ReadState state = ReadState::refused;
  std::vector<std::byte> body;  // when whole, else empty
  std::string fault;            // when damaged or refused
};

RecordRead read_record(const Folder& folder, const BlobKey& key, const RecordPlace& place);

}  // namespace fathom::store
