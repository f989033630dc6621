#include "fathom/engine/prefix_blob.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "fathom/base/error.h"

namespace fathom::prefix_blob {
namespace {

constexpr std::uint32_t kMagic = 0x4d485446;  // "FTHM", where numbers begin with their low byte
constexpr std::uint32_t kVersion = 1;

enum class Kind : std::uint32_t { page = 1, snapshot = 2 };

struct Header {
  std::uint32_t magic = kMagic;
  std::uint32_t version = kVersion;
  Kind kind = Kind::page;
  std::uint32_t ids = 0;
  std::int64_t tokens = 0;  // from the text's beginning; of a page 0: it stands for a block wherever the key says
  std::int64_t mtp_tokens = 0;
  std::int64_t state_bytes = 0;
  std::int64_t page_bytes = 0;
  std::int64_t page_tokens = 0;
  std::int64_t reserved = 0;

  friend bool operator==(const Header&, const Header&) = default;
};
static_assert(sizeof(Header) == 64);

std::int64_t id_bytes(const Header& header) {
  return std::int64_t{header.ids} * static_cast<std::int64_t>(sizeof(std::int32_t));
}

std::int64_t total_bytes(const Header& header) {
  return static_cast<std::int64_t>(sizeof(Header)) + id_bytes(header) + header.state_bytes + header.page_bytes;
}

Ids behind_full_blocks(Ids ids, const CacheLayout& layout) {
  return ids.last(static_cast<std::size_t>(std::ssize(ids) % layout.page_tokens));
}

Header page_header(const CacheLayout& layout) {
  return {.kind = Kind::page,
          .ids = static_cast<std::uint32_t>(layout.page_tokens),
          .page_bytes = layout.page_bytes,
          .page_tokens = layout.page_tokens};
}

Header snapshot_header(std::int64_t tokens, std::int64_t mtp_tokens, const CacheLayout& layout) {
  const std::int64_t rest = tokens % layout.page_tokens;
  return {.kind = Kind::snapshot,
          .ids = static_cast<std::uint32_t>(rest),
          .tokens = tokens,
          .mtp_tokens = mtp_tokens,
          .state_bytes = layout.state_bytes,
          .page_bytes = rest > 0 ? layout.page_bytes : 0,
          .page_tokens = layout.page_tokens};
}

// One part of a blob behind the other.
class Writer {
 public:
  explicit Writer(const Header& header) : blob_(static_cast<std::size_t>(total_bytes(header))) {
    std::memcpy(next(sizeof(header)).data(), &header, sizeof(header));
  }
  void ids(Ids ids) { std::copy_n(std::as_bytes(ids).data(), ids.size_bytes(), next(ids.size_bytes()).data()); }
  void memory(const Memory& from, Backend& backend) {
    backend.download(from.data(), next(static_cast<std::size_t>(from.bytes())));
  }
  Blob take() {
    check_equal(at_, blob_.size(), "bytes of a blob");
    return std::move(blob_);
  }

 private:
  std::span<std::byte> next(std::size_t bytes) {
    check(at_ + bytes <= blob_.size(), "a blob holds its parts");
    return std::span(blob_).subspan(std::exchange(at_, at_ + bytes), bytes);
  }
  Blob blob_;
  std::size_t at_ = 0;
};

// `expected` but for the numbers that a snapshot brings along.
std::string fault(std::span<const std::byte> blob, Header expected, Ids ids) {
  Header found;
  if (blob.size() < sizeof(found)) return fmt::format("{} bytes, fewer than a header's", blob.size());
  std::memcpy(&found, blob.data(), sizeof(found));
  if (found.magic != kMagic) return "no blob of a prefix cache";
  if (found.version != kVersion) return fmt::format("version {}, expected {}", found.version, kVersion);
  if (found.mtp_tokens < 0 || found.mtp_tokens > found.tokens)
    return fmt::format("{} drafted tokens of {}", found.mtp_tokens, found.tokens);
  expected.mtp_tokens = found.mtp_tokens;
  if (found != expected)
    return fmt::format("kind {} of {} tokens, state {} and page {} bytes; expected kind {} of {}, {} and {}",
                       static_cast<std::uint32_t>(found.kind), found.tokens, found.state_bytes, found.page_bytes,
                       static_cast<std::uint32_t>(expected.kind), expected.tokens, expected.state_bytes,
                       expected.page_bytes);
  if (std::ssize(blob) != total_bytes(expected))
    return fmt::format("{} bytes, expected {}", blob.size(), total_bytes(expected));
  const auto stored = blob.subspan(sizeof(Header), ids.size_bytes());
  return std::ranges::equal(stored, std::as_bytes(ids)) ? "" : "the tokens of another text";
}

Header header_of(std::span<const std::byte> blob) {
  Header header;
  check(blob.size() >= sizeof(header), "a blob has a header");
  std::memcpy(&header, blob.data(), sizeof(header));
  check_equal(std::ssize(blob), total_bytes(header), "bytes of a blob");
  return header;
}

Memory uploaded(std::span<const std::byte> bytes, Backend& backend) {
  Memory memory(backend.allocator(), std::ssize(bytes));
  backend.upload(bytes, memory.data());
  return memory;
}

}  // namespace

Blob of_page(Ids block, const Memory& page, Backend& backend) {
  Writer writer({.kind = Kind::page,
                 .ids = static_cast<std::uint32_t>(block.size()),
                 .page_bytes = page.bytes(),
                 .page_tokens = std::ssize(block)});
  writer.ids(block);
  writer.memory(page, backend);
  return writer.take();
}

Blob of_snapshot(Ids ids, const CacheSnapshot& snapshot, const CacheLayout& layout, Backend& backend) {
  check_equal(snapshot.tokens, std::ssize(ids), "ids of a snapshot");
  Writer writer(snapshot_header(snapshot.tokens, snapshot.mtp_tokens, layout));
  writer.ids(behind_full_blocks(ids, layout));
  writer.memory(snapshot.state, backend);
  if (snapshot.partial_page) writer.memory(*snapshot.partial_page, backend);
  return writer.take();
}

std::int64_t page_bytes(const CacheLayout& layout) { return total_bytes(page_header(layout)); }

std::int64_t snapshot_bytes(std::int64_t tokens, const CacheLayout& layout) {
  return total_bytes(snapshot_header(tokens, 0, layout));
}

std::string page_fault(std::span<const std::byte> blob, Ids block, const CacheLayout& layout) {
  return fault(blob, page_header(layout), block);
}

std::string snapshot_fault(std::span<const std::byte> blob, Ids ids, const CacheLayout& layout) {
  return fault(blob, snapshot_header(std::ssize(ids), 0, layout), behind_full_blocks(ids, layout));
}

SharedPage page(std::span<const std::byte> blob, const CacheLayout& layout, Backend& backend) {
  const Header header = header_of(blob);
  check(header == page_header(layout), "a page is of this layout");
  return std::make_shared<const Memory>(uploaded(blob.last(static_cast<std::size_t>(header.page_bytes)), backend));
}

CacheSnapshot snapshot(std::span<const std::byte> blob, const CacheLayout& layout, Backend& backend) {
  const Header header = header_of(blob);
  check(header == snapshot_header(header.tokens, header.mtp_tokens, layout), "a snapshot is of this layout");
  const auto parts = blob.subspan(sizeof(Header) + static_cast<std::size_t>(id_bytes(header)));
  CacheSnapshot result{.tokens = header.tokens,
                       .mtp_tokens = header.mtp_tokens,
                       .state = uploaded(parts.first(static_cast<std::size_t>(header.state_bytes)), backend),
                       .partial_page = nullptr};
  if (header.page_bytes > 0)
    result.partial_page =
        std::make_shared<Memory>(uploaded(parts.last(static_cast<std::size_t>(header.page_bytes)), backend));
  return result;
}

}  // namespace fathom::prefix_blob
