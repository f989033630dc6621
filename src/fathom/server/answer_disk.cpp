#include "fathom/server/answer_disk.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <string>

#include "fathom/base/digest.h"

namespace fathom::server {
namespace {

using Blob = store::BlobStore::Blob;

constexpr std::uint32_t kMagic = 0x41485446;  // "FTHA", where numbers begin with their low byte
constexpr std::uint32_t kVersion = 1;

// Before the ids of an answer, reasoning first; before an answer's name, with no ids.
struct Header {
  std::uint32_t magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint32_t reasoning = 0;  // ids
  std::uint32_t said = 0;

  friend bool operator==(const Header&, const Header&) = default;
};
static_assert(sizeof(Header) == 16);

store::BlobKey key_of(const Digest& digest) {
  store::BlobKey key;
  key.bytes = digest;
  return key;
}

store::BlobKey place_of(std::string_view scope, const AnswerKey& key) {
  Hasher hasher;
  hasher.add("fathom answer's key").add(scope);
  hasher.add(std::bit_cast<std::int64_t>(key.low)).add(std::bit_cast<std::int64_t>(key.high));
  return key_of(hasher.finish());
}

store::BlobKey name_of(std::string_view scope, std::span<const std::byte> blob) {
  return key_of(Hasher().add("fathom answer").add(scope).add(blob).finish());
}

void append(Blob& blob, std::span<const std::byte> bytes) { blob.insert(blob.end(), bytes.begin(), bytes.end()); }

Blob with_header(const Header& header) {
  Blob blob;
  append(blob, std::as_bytes(std::span(&header, 1)));
  return blob;
}

std::optional<Header> header_of(std::span<const std::byte> blob) {
  Header header;
  if (blob.size() < sizeof(header)) return std::nullopt;
  std::memcpy(&header, blob.data(), sizeof(header));
  return header.magic == kMagic && header.version == kVersion ? std::optional(header) : std::nullopt;
}

std::vector<std::int32_t> ids_of(std::span<const std::byte> bytes) {
  std::vector<std::int32_t> ids(bytes.size() / sizeof(std::int32_t));
  if (!ids.empty()) std::memcpy(ids.data(), bytes.data(), bytes.size());
  return ids;
}

// Null: these bytes are no answer of that name and scope.
std::shared_ptr<const SampledAnswer> answer_of(std::string_view scope, const store::BlobKey& name, const Blob& blob) {
  const std::optional<Header> header = header_of(blob);
  const auto bytes = [](std::uint32_t ids) { return std::size_t{ids} * sizeof(std::int32_t); };
  if (!header || blob.size() != sizeof(Header) + bytes(header->reasoning) + bytes(header->said) ||
      name_of(scope, blob) != name)
    return nullptr;
  const auto ids = std::span(blob).subspan(sizeof(Header));
  return std::make_shared<const SampledAnswer>(SampledAnswer{.reasoning = ids_of(ids.first(bytes(header->reasoning))),
                                                             .said = ids_of(ids.subspan(bytes(header->reasoning)))});
}

}  // namespace

void AnswerDisk::put(std::string_view scope, std::span<const AnswerKey> keys, const SampledAnswer& answer) {
  constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
  if (answer.reasoning.size() > most || answer.said.size() > most) return;
  Blob blob = with_header({.reasoning = static_cast<std::uint32_t>(answer.reasoning.size()),
                           .said = static_cast<std::uint32_t>(answer.said.size())});
  append(blob, std::as_bytes(std::span(answer.reasoning)));
  append(blob, std::as_bytes(std::span(answer.said)));
  const store::BlobKey name = name_of(scope, blob);
  // Before what leads to it: a kill in between leaves nothing that leads nowhere.
  if (!store_->takes(std::ssize(blob)) || !store_->put(name, std::move(blob))) return;
  Blob leads = with_header({});
  append(leads, name.bytes);
  for (const AnswerKey& key : keys) {
    const store::BlobKey place = place_of(scope, key);
    if (store_->contains(place)) {  // a store keeps what is there
      if (!store_->takes(std::ssize(leads))) continue;
      store_->erase(place);
    }
    store_->put(place, leads);
  }
}

std::vector<AnswerDisk::Found> AnswerDisk::find(std::string_view scope, std::span<const AnswerKey> wanted) const {
  std::vector<Found> found;
  std::vector<store::BlobKey> names;  // of those in `found`
  for (const AnswerKey& key : wanted) {
    const store::BlobKey place = place_of(scope, key);
    if (!store_->contains(place)) continue;
    const std::optional<Blob> leads = store_->get(place);
    if (!leads) continue;
    store::BlobKey name;
    if (header_of(*leads) != Header{} || leads->size() != sizeof(Header) + name.bytes.size()) {
      leave_out(place, "no name of an answer");
      continue;
    }
    std::memcpy(name.bytes.data(), leads->data() + sizeof(Header), name.bytes.size());
    const auto at = std::find(names.begin(), names.end(), name);
    if (at != names.end()) {
      found[static_cast<std::size_t>(at - names.begin())].keys.push_back(key);
      continue;
    }
    const std::optional<Blob> blob = store_->get(name);
    if (!blob) continue;  // it went before what leads to it
    auto answer = answer_of(scope, name, *blob);
    if (answer == nullptr) {
      leave_out(place, "no answer of that name");
      continue;
    }
    names.push_back(name);
    found.push_back({.keys = {key}, .answer = std::move(answer)});
  }
  return found;
}

void AnswerDisk::leave_out(const store::BlobKey& place, std::string_view fault) const {
  if (warn_) warn_(fmt::format("[replay] a blob on disk is left out: {}", fault));
  store_->erase(place);
}

}  // namespace fathom::server
