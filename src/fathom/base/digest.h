// SHA-256: a short name for bytes, for which nobody can make other bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace fathom {

using Digest = std::array<std::byte, 32>;

class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  Hasher& add(std::span<const std::byte> bytes);
  // With its length, so that "ab" and "c" are not "a" and "bc".
  Hasher& add(std::string_view text);
  Hasher& add(std::int64_t number);
  // Of what was added; it begins anew.
  Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string to_hex(const Digest& digest);

}  // namespace fathom
