// The released number formats on the device: those of tensor/numbers.h, to the bit. Rows of a cache may start at any
// byte, so that what is wider than a byte is read whole only where it lies on its boundary.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fathom/tensor/numbers.h"

namespace fathom::cuda {

__device__ inline bool aligned_to(const void* place, int bytes) {
  return reinterpret_cast<std::uintptr_t>(place) % bytes == 0;
}

__device__ inline unsigned byte_at(const std::byte* place) { return *reinterpret_cast<const unsigned char*>(place); }

__device__ inline unsigned read_u16(const std::byte* place) {
  if (aligned_to(place, 2)) return *reinterpret_cast<const unsigned short*>(place);
  return byte_at(place) | byte_at(place + 1) << 8;
}

__device__ inline unsigned read_u32(const std::byte* place) {
  if (aligned_to(place, 4)) return *reinterpret_cast<const unsigned*>(place);
  return read_u16(place) | read_u16(place + 2) << 16;
}

__device__ inline float read_float(const std::byte* place) { return __uint_as_float(read_u32(place)); }

__device__ inline void write_u16(unsigned bits, std::byte* place) {
  if (aligned_to(place, 2)) {
    *reinterpret_cast<unsigned short*>(place) = static_cast<unsigned short>(bits);
  } else {
    place[0] = std::byte(static_cast<unsigned char>(bits & 0xffU));
    place[1] = std::byte(static_cast<unsigned char>(bits >> 8));
  }
}

__device__ inline void write_float(float value, std::byte* place) {
  const unsigned bits = __float_as_uint(value);
  if (aligned_to(place, 4)) {
    *reinterpret_cast<unsigned*>(place) = bits;
  } else {
    write_u16(bits & 0xffffU, place);
    write_u16(bits >> 16, place + 2);
  }
}

__device__ inline float widened_bf16(unsigned bits) { return __uint_as_float(bits << 16); }

__device__ inline float widened_e8m0(unsigned bits) {
  if (bits == 0xffU) return __uint_as_float(0x7fc00000U);
  return bits == 0 ? 0x1p-127F : __uint_as_float(bits << 23);
}

// Shifted to where float32 keeps exponent and mantissa, a code is its value times 2^-120.
__device__ inline float widened_e4m3(unsigned code) {
  const unsigned magnitude = code & 0x7fU;
  if (magnitude == 0x7fU) return __uint_as_float(0x7fc00000U | (code & 0x80U) << 24);
  const float value = __uint_as_float(magnitude << 20) * 0x1p120F;  // subnormals of both kinds are exact
  return (code & 0x80U) != 0 ? -value : value;
}

// {0, .5, 1, 1.5, 2, 3, 4, 6}, twice as a whole number: a nibble each.
__device__ inline int doubled_e2m1(unsigned code) {
  const int magnitude = static_cast<int>(0xc8643210U >> (code & 7U) * 4 & 0xfU);
  return (code & 8U) != 0 ? -magnitude : magnitude;
}

__device__ inline float widened_e2m1(unsigned code) {
  const float magnitude = static_cast<float>(0xc8643210U >> (code & 7U) * 4 & 0xfU) * 0.5F;
  return (code & 8U) != 0 ? -magnitude : magnitude;
}

}  // namespace fathom::cuda
