// Any bytes as a token shard: refused with an InputError, or documents whose every token can be read. The bytes are
// tried as they are and with a checksum made to fit, so that it keeps nothing from the reader.
#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "fathom/base/error.h"
#include "fathom/corpus/shard_layout.h"

namespace {

void read_all(std::span<const std::byte> file) {
  try {
    const fathom::ShardLayout layout = fathom::read_shard_layout(file, "fuzz");
    const auto documents = static_cast<std::int64_t>(layout.header.documents);
    std::uint64_t tokens = 0;
    std::uint64_t learned = 0;
    for (std::int64_t document = 0; document < documents; ++document)
      for (std::uint64_t token = layout.first_token(document); token < layout.first_token(document + 1); ++token) {
        fathom::check(token < layout.header.tokens && layout.id(token) >= 0, "a token lies in its shard");
        learned += layout.learned(token) ? 1 : 0;
        ++tokens;
      }
    fathom::check_equal(tokens, layout.header.tokens, "documents cover the shard");
    fathom::check(learned <= tokens, "no more is learned than there is");
  } catch (const fathom::InputError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> file(size);
  if (size > 0) std::memcpy(file.data(), data, size);
  read_all(file);
  if (size < sizeof(fathom::ShardHeader)) return 0;
  const std::uint64_t checksum =
      XXH3_64bits(file.data() + sizeof(fathom::ShardHeader), size - sizeof(fathom::ShardHeader));
  std::memcpy(file.data() + offsetof(fathom::ShardHeader, checksum), &checksum, sizeof(checksum));
  read_all(file);
  return 0;
}
