// Rows on their way into the cache, one at a time by the definition of their format.
#include <algorithm>
#include <cstring>

#include "fathom/backends/cpu/cpu_backend.h"

namespace fathom {
namespace {

constexpr std::int64_t kEncodeWork = 96;  // per element: a division and a rounding, one at a time

// body(row, run, entry) for the entries that each run completed, run after run; `row` counts them.
template <typename Body>
void for_new_entries(std::span<const Run> runs, std::int64_t ratio, const Body& body) {
  std::int64_t row = 0;
  for (std::size_t run = 0; run < runs.size(); ++run) {
    const std::int64_t first = runs[run].first_entry(ratio);
    const std::int64_t count = runs[run].new_entries(ratio);
    for (std::int64_t entry = first; entry < first + count; ++entry, ++row) body(row, run, entry);
  }
}

// The places of a step's new rows, so that threads can share them out.
std::vector<std::byte*> places_of_new_rows(std::span<const Run> runs, std::int64_t ratio,
                                           std::span<const PagedRows> rows) {
  std::vector<std::byte*> places;
  for_new_entries(runs, ratio, [&](std::int64_t /*row*/, std::size_t run, std::int64_t entry) {
    places.push_back(rows[run].row(entry));
  });
  return places;
}

}  // namespace

void CpuBackend::do_encode_entries(const EncodeEntriesArgs& args) {
  const auto [rows, head_dim] = args.x.shape();
  for_each(rows, head_dim * kEncodeWork,
           [&](std::int64_t row, Arena&) { encode_entry(args.format, args.x[row].span(), args.rows[row].span()); });
}

void CpuBackend::do_store_entries(const StoreEntriesArgs& args) {
  const std::vector<std::byte*> places = places_of_new_rows(args.runs, args.ratio, args.entries);
  const auto bytes = static_cast<std::size_t>(args.format.row_bytes());
  for_each(std::ssize(places), args.format.head_dim * kEncodeWork, [&](std::int64_t row, Arena&) {
    encode_entry(args.format, args.x[row].span(), {places[static_cast<std::size_t>(row)], bytes});
  });
}

void CpuBackend::do_store_index_keys(const StoreIndexKeysArgs& args) {
  const std::vector<std::byte*> places = places_of_new_rows(args.runs, args.ratio, args.keys);
  const auto bytes = static_cast<std::size_t>(args.format.row_bytes());
  for_each(std::ssize(places), args.format.index_dim * kEncodeWork, [&](std::int64_t row, Arena&) {
    encode_index_key(args.format, args.x[row].span(), {places[static_cast<std::size_t>(row)], bytes});
  });
}

void CpuBackend::do_commit_rows(const CommitRowsArgs& args) {
  const std::int64_t row_bytes = args.rows.extent(1);
  for_each(std::ssize(args.runs), row_bytes / 16 * 128, [&](std::int64_t index, Arena&) {
    const Run& run = args.runs[static_cast<std::size_t>(index)];
    const Ring& ring = args.rings[static_cast<std::size_t>(index)];
    // Of positions that share a slot the last one stays.
    for (std::int64_t token = std::max<std::int64_t>(0, run.tokens - ring.capacity); token < run.tokens; ++token)
      std::memcpy(ring.row(run.start + token), args.rows[run.first_row + token].data(),
                  static_cast<std::size_t>(row_bytes));
  });
}

}  // namespace fathom
