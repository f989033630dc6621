// For tests: shards made by hand.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace fathom::testing {

struct Document {
  std::vector<std::int32_t> ids;
  std::vector<std::uint8_t> loss;  // empty: all learned
};

std::filesystem::path write_shard(const std::filesystem::path& path, const std::vector<Document>& documents,
                                  std::int64_t vocab);

// Documents of these lengths whose every token is unlike any other: the first document's are 0, 1, ..., the next go on.
std::vector<Document> counted_documents(const std::vector<std::int64_t>& lengths, std::int32_t first = 0);

}  // namespace fathom::testing
