// Any bytes as a safetensors file: refused with an InputError, or tensors whose bytes can all be read.
#include <cstddef>
#include <cstdint>
#include <span>

#include "fathom/base/error.h"
#include "fathom/checkpoint/released_names.h"
#include "fathom/checkpoint/safetensors_header.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const std::span<const std::byte> file = std::as_bytes(std::span(data, size));
    const fathom::SafetensorsHeader header = fathom::parse_safetensors(file, "fuzz");
    std::uint64_t sum = 0;
    std::size_t covered = 0;
    for (const fathom::SafetensorsTensor& tensor : header.tensors) {
      for (const std::byte byte : tensor.bytes) sum += std::to_integer<std::uint64_t>(byte);
      covered += tensor.bytes.size();
      sum += static_cast<std::uint64_t>(tensor.elements());
      sum += fathom::released_name(tensor.name).name.size();
    }
    fathom::check(covered <= size, "tensors lie in the file and share no byte");
    volatile std::uint64_t kept = sum;
    static_cast<void>(kept);
  } catch (const fathom::InputError&) {
  }
  return 0;
}
