// Rows on their way into the cache.
#include <algorithm>
#include <cstring>

#include "fathom/backends/reference/reference_backend.h"

namespace fathom {

void ReferenceBackend::do_encode_entries(const EncodeEntriesArgs& args) {
  for (std::int64_t row = 0; row < args.x.extent(0); ++row)
    encode_entry(args.format, args.x[row].span(), args.rows[row].span());
}

void ReferenceBackend::do_store_entries(const StoreEntriesArgs& args) {
  std::int64_t row = 0;
  for (std::size_t run = 0; run < args.runs.size(); ++run) {
    const std::int64_t first = args.runs[run].first_entry(args.ratio);
    const std::int64_t count = args.runs[run].new_entries(args.ratio);
    for (std::int64_t entry = first; entry < first + count; ++entry, ++row)
      encode_entry(args.format, args.x[row].span(),
                   {args.entries[run].row(entry), static_cast<std::size_t>(args.format.row_bytes())});
  }
}

void ReferenceBackend::do_store_index_keys(const StoreIndexKeysArgs& args) {
  std::int64_t row = 0;
  for (std::size_t run = 0; run < args.runs.size(); ++run) {
    const std::int64_t first = args.runs[run].first_entry(args.ratio);
    const std::int64_t count = args.runs[run].new_entries(args.ratio);
    for (std::int64_t entry = first; entry < first + count; ++entry, ++row)
      encode_index_key(args.format, args.x[row].span(),
                       {args.keys[run].row(entry), static_cast<std::size_t>(args.format.row_bytes())});
  }
}

void ReferenceBackend::do_commit_rows(const CommitRowsArgs& args) {
  for (std::size_t index = 0; index < args.runs.size(); ++index) {
    const Run& run = args.runs[index];
    const Ring& ring = args.rings[index];
    for (std::int64_t token = std::max<std::int64_t>(0, run.tokens - ring.capacity); token < run.tokens; ++token)
      std::memcpy(ring.row(run.start + token), args.rows[run.first_row + token].data(),
                  static_cast<std::size_t>(ring.row_bytes));
  }
}

}  // namespace fathom
