#include "tests/corpus/corpus_support.h"

#include <zstd.h>

#include <memory>

#include "fathom/corpus/permutation.h"
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

std::string zstd_packed(std::string_view text) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_enableLongDistanceMatching, 1);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, 27);
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  // In pieces, so that the frame does not say how large it is and its window stays as asked.
  ZSTD_outBuffer out{packed.data(), packed.size(), 0};
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  while (ZSTD_compressStream2(context.get(), &out, &in, ZSTD_e_end) != 0) continue;
  packed.resize(out.pos);
  return packed;
}

std::string prose(int number) {
  static const std::vector<std::string> words = {"river", "stone", "the", "of",    "quiet", "morning",
                                                 "house", "walks", "and", "under", "naïve", "light"};
  std::string text;
  std::uint64_t state = mixed(static_cast<std::uint64_t>(number));
  for (int word = 0; word < 40; ++word) {
    state = mixed(state);
    text += words[state % words.size()];
    text += word % 8 == 7 ? '\n' : ' ';
  }
  return text + "number " + std::to_string(number);
}

std::string corpus_text(const std::vector<std::string>& documents) {
  std::string text;
  for (const std::string& document : documents) text += document + "\n\f\n";
  return text;
}

}  // namespace fathom::testing
