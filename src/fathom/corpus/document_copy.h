// Documents of text files, chosen as for a token shard, as text again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

#include "fathom/corpus/document_selection.h"

namespace fathom {

struct DocumentCopyOptions {
  std::vector<std::filesystem::path> files{};
  HoldOut hold_out = HoldOut::none;
  std::uint64_t max_bytes = 0;  // of each file, spread evenly over what is chosen; 0: all
  std::uint64_t shortest = 0;   // bytes of a document; shorter ones are left out
  std::uint64_t longest = 0;    // likewise longer ones; 0: any
};

struct DocumentCopyReport {
  std::int64_t documents = 0;
  std::uint64_t bytes = 0;
  std::int64_t left_out = 0;
};

// `write` is given stretches which together are a file of documents. InputError as TextDocuments.
DocumentCopyReport copy_documents(const DocumentCopyOptions& options,
                                  const std::function<void(std::string_view)>& write);

}  // namespace fathom
