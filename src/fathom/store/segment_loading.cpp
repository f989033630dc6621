#include "fathom/store/segment_loading.h"

#include <fmt/format.h>

#include "fathom/store/segment_reader.h"
#include "fathom/store/write_budget.h"

namespace fathom::store {
namespace {

void load_segment(const Folder& folder, std::uint64_t number, SegmentTable& table, Warnings& warnings,
                  LoadedSegments& loaded) {
  std::int64_t file_bytes = 0;
  try {
    const File file = folder.open_segment(number, false);
    file_bytes = file.size();
    const SegmentContents contents = read_segment(file, number);
    const std::vector<RecordPlace> outdated = table.add_segment({.identity = contents.identity,
                                                                 .end = contents.end,
                                                                 .file_bytes = contents.file_bytes,
                                                                 .sealed = contents.sealed},
                                                                contents.records);
    loaded.outdated.insert(loaded.outdated.end(), outdated.begin(), outdated.end());
    for (const std::string& fault : contents.faults) warnings.say("[store] " + fault);
    if (!contents.faults.empty()) loaded.damaged_segments.push_back(number);
    loaded.damaged += std::ssize(contents.faults);
  } catch (const InputError& error) {
    warnings.say(fmt::format("{}; the file is skipped and may be deleted", error.what()));
    ++loaded.skipped_files;
    ++loaded.damaged;
    loaded.skipped_bytes += file_bytes;
  }
}

}  // namespace

LoadedSegments load_segments(const Folder& folder, SegmentTable& table, Warnings& warnings) {
  LoadedSegments loaded;
  const Folder::Listing listing = folder.list();
  for (const std::string& name : listing.strangers)
    if (!name.starts_with(kBudgetName))
      warnings.say(fmt::format("[store] {} is no file of a store and is left alone", name));
  for (const std::uint64_t number : listing.segments) {
    load_segment(folder, number, table, warnings, loaded);
    loaded.last_number = number;
  }
  return loaded;
}

}  // namespace fathom::store
