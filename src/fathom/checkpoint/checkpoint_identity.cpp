#include "fathom/checkpoint/checkpoint_identity.h"

#include <algorithm>

#include "fathom/base/mapped_file.h"

namespace fathom {
namespace {

constexpr std::size_t kPiece = 4096;  // bytes from a tensor's beginning, its middle and its end

void add_sample(Hasher& hasher, std::span<const std::byte> bytes) {
  if (bytes.size() <= 3 * kPiece) {
    hasher.add(bytes);
    return;
  }
  for (const std::size_t begin : {std::size_t{0}, bytes.size() / 2, bytes.size() - kPiece})
    hasher.add(bytes.subspan(begin, std::min(kPiece, bytes.size() - begin)));
}

}  // namespace

Digest checkpoint_identity(const Checkpoint& checkpoint, std::int64_t whole_bytes) {
  Hasher hasher;
  hasher.add(read_text_file(checkpoint.directory() / "config.json"));
  std::int64_t total = 0;
  for (const SafetensorsFile& file : checkpoint.files())
    for (const SafetensorsTensor& tensor : file.tensors()) total += std::ssize(tensor.bytes);
  hasher.add(total);
  for (const SafetensorsFile& file : checkpoint.files()) {
    if (total >= whole_bytes) {
      hasher.add(static_cast<std::int64_t>(std::filesystem::file_size(file.path())));
      hasher.add(std::filesystem::last_write_time(file.path()).time_since_epoch().count());
    }
    for (const SafetensorsTensor& tensor : file.tensors()) {
      hasher.add(tensor.name).add(static_cast<std::int64_t>(tensor.dtype)).add(std::ssize(tensor.shape));
      for (const std::int64_t size : tensor.shape) hasher.add(size);
      if (total < whole_bytes)
        hasher.add(tensor.bytes);
      else
        add_sample(hasher, tensor.bytes);
    }
  }
  return hasher.finish();
}

}  // namespace fathom
