#include "tests/corpus/corpus_support.h"

#include "fathom/corpus/token_shard.h"

namespace fathom::testing {

std::filesystem::path write_shard(const std::filesystem::path& path, const std::vector<Document>& documents,
                                  std::int64_t vocab) {
  TokenShardWriter writer(path, vocab);
  for (const Document& document : documents) writer.add(document.ids, document.loss);
  writer.finish();
  return path;
}

std::vector<Document> counted_documents(const std::vector<std::int64_t>& lengths, std::int32_t first) {
  std::vector<Document> documents;
  for (const std::int64_t length : lengths) {
    documents.emplace_back();
    for (std::int64_t token = 0; token < length; ++token) documents.back().ids.push_back(first++);
  }
  return documents;
}

}  // namespace fathom::testing
