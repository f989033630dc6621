#include "fathom/backends/cuda/staging/placed_runs.h"

#include "fathom/base/error.h"

namespace fathom::cuda {

std::vector<PlacedRun> placed_runs(const RunPlaces& places) {
  std::vector<PlacedRun> result;
  result.reserve(places.runs.size());
  std::int64_t entries = 0;
  for (std::size_t index = 0; index < places.runs.size(); ++index) {
    const Run& run = places.runs[index];
    PlacedRun placed{.first_row = run.first_row, .tokens = run.tokens, .start = run.start, .first_new = entries};
    if (places.ratio > 0) entries += run.new_entries(places.ratio);
    if (!places.rings.empty()) {
      placed.ring = places.rings[index].rows;
      placed.capacity = places.rings[index].capacity;
    }
    if (!places.rings_2.empty()) {
      check_equal(places.rings_2[index].capacity, placed.capacity, "rows of a run's second ring");
      placed.ring_2 = places.rings_2[index].rows;
    }
    if (!places.paged.empty()) {
      placed.pages = places.paged[index].pages;
      placed.rows_per_page = places.paged[index].rows_per_page;
      placed.offset = places.paged[index].offset;
    }
    result.push_back(placed);
  }
  return result;
}

std::int64_t pages_of(const Run& run, std::int64_t ratio, const PagedRows& rows) {
  const std::int64_t entries = (run.start + run.tokens) / ratio;
  return (entries + rows.rows_per_page - 1) / rows.rows_per_page;
}

}  // namespace fathom::cuda
