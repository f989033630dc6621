#include "fathom/corpus/shard_layout.h"

#include <xxhash.h>

#include <bit>

#include "fathom/base/error.h"

namespace fathom {
namespace {

static_assert(std::endian::native == std::endian::little, "shards are read and written as they lie in memory");

constexpr std::uint64_t kIdAlignment = 8;

ShardHeader read_header(std::span<const std::byte> file, std::string_view place) {
  ShardHeader header;
  const std::size_t magic = ShardHeader::kMagic.size();
  if (file.size() < magic || std::memcmp(file.data(), ShardHeader::kMagic.data(), magic) != 0)
    throw InputError("[shard] {} is no token shard: it does not begin with \"{}\"", place, ShardHeader::kMagic);
  if (file.size() < sizeof(header))
    throw InputError("[shard] {} is truncated: {} bytes, its header alone has {}", place, file.size(), sizeof(header));
  std::memcpy(&header, file.data(), sizeof(header));
  if (header.version != ShardHeader::kVersion)
    throw InputError("[shard] {} has version {}, expected {}", place, header.version, ShardHeader::kVersion);
  if (header.id_bytes != 2 && header.id_bytes != 4)
    throw InputError("[shard] {} has ids of {} bytes, expected 2 or 4", place, header.id_bytes);
  return header;
}

void check_documents(const ShardLayout& layout, std::string_view place) {
  const auto documents = static_cast<std::int64_t>(layout.header.documents);
  if (layout.first_token(0) != 0)
    throw InputError("[shard] {} begins at token {}, expected 0", place, layout.first_token(0));
  for (std::int64_t document = 0; document < documents; ++document)
    if (layout.first_token(document + 1) <= layout.first_token(document))
      throw InputError("[shard] {}: document {} begins at token {} and ends at {}", place, document,
                       layout.first_token(document), layout.first_token(document + 1));
  if (layout.first_token(documents) != layout.header.tokens)
    throw InputError("[shard] {}: the documents end at token {}, the header says {}", place,
                     layout.first_token(documents), layout.header.tokens);
}

// Ids are signed everywhere else.
void check_ids(const ShardLayout& layout, std::string_view place) {
  if (layout.header.id_bytes < 4) return;
  for (std::uint64_t token = 0; token < layout.header.tokens; ++token)
    if (layout.id(token) < 0) throw InputError("[shard] {}: token {} has the id {}", place, token, layout.id(token));
}

}  // namespace

std::uint64_t padded_id_bytes(std::uint64_t tokens, std::uint32_t id_bytes) {
  return (tokens * id_bytes + kIdAlignment - 1) / kIdAlignment * kIdAlignment;
}

ShardLayout read_shard_layout(std::span<const std::byte> file, std::string_view place) {
  ShardLayout layout{.header = read_header(file, place), .first = {}, .ids = {}, .loss = {}};
  const ShardHeader& header = layout.header;
  // Neither count can be larger than the file, so that no product below overflows.
  const bool possible = header.documents < file.size() && header.tokens < file.size();
  const std::uint64_t first_bytes = possible ? (header.documents + 1) * sizeof(std::uint64_t) : 0;
  const std::uint64_t id_bytes = possible ? padded_id_bytes(header.tokens, header.id_bytes) : 0;
  const std::uint64_t loss_bytes = possible ? (header.tokens + 7) / 8 : 0;
  const std::uint64_t expected = sizeof(header) + first_bytes + id_bytes + loss_bytes;
  if (!possible || file.size() != expected)
    throw InputError("[shard] {} has {} bytes, expected {} for {} documents of {} tokens", place, file.size(),
                     possible ? fmt::format("{}", expected) : "more", header.documents, header.tokens);
  const std::span<const std::byte> contents = file.subspan(sizeof(header));
  const std::uint64_t checksum = XXH3_64bits(contents.data(), contents.size());
  if (checksum != header.checksum)
    throw InputError("[shard] {} is damaged: checksum {:016x}, expected {:016x}", place, checksum, header.checksum);
  layout.first = contents.subspan(0, first_bytes);
  layout.ids = contents.subspan(first_bytes, header.tokens * header.id_bytes);
  layout.loss = contents.subspan(first_bytes + id_bytes, loss_bytes);
  check_documents(layout, place);
  check_ids(layout, place);
  return layout;
}

}  // namespace fathom
