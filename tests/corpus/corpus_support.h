// For tests: shards made by hand.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
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

// As `zstd --long=27` packs it: frames with a window of 128 MB.
std::string zstd_packed(std::string_view text);

// One document to a number, unlike any other: some lines of words.
std::string prose(int number);
// Documents with their separators.
std::string corpus_text(const std::vector<std::string>& documents);

}  // namespace fathom::testing
