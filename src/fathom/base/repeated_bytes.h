// A block of bytes that a long stretch of memory repeats: one copy in memory, mapped again and again.
#pragma once

#include <cstddef>
#include <span>

namespace fathom {

class RepeatedBytes {
 public:
  RepeatedBytes() = default;
  // `size` bytes or a little more, read-only; block.size() is a positive multiple of kPage. InputError when the system
  // refuses.
  RepeatedBytes(std::span<const std::byte> block, std::size_t size);
  ~RepeatedBytes();
  RepeatedBytes(RepeatedBytes&& other) noexcept;
  RepeatedBytes& operator=(RepeatedBytes&& other) noexcept;
  RepeatedBytes(const RepeatedBytes&) = delete;
  RepeatedBytes& operator=(const RepeatedBytes&) = delete;

  static constexpr std::size_t kPage = 65536;  // a multiple of every system's page

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace fathom
