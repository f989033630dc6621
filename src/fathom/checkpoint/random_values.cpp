#include "fathom/checkpoint/random_values.h"

namespace fathom {

// FNV-1a over the name, begun with the seed.
RandomValues::RandomValues(std::uint64_t seed, std::string_view name)
    : state_(0xcbf29ce484222325ULL ^ (seed * 0x9e3779b97f4a7c15ULL)) {
  for (const char character : name) {
    state_ ^= static_cast<unsigned char>(character);
    state_ *= 0x100000001b3ULL;
  }
}

// SplitMix64, after its authors' description.
std::uint64_t RandomValues::word() {
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
  return mixed ^ (mixed >> 31);
}

std::int64_t RandomValues::below(std::int64_t count) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::int64_t>((static_cast<Wide>(word()) * static_cast<Wide>(count)) >> 64);
}

float RandomValues::normal() {
  std::uint64_t sum = 0;
  for (int draw = 0; draw < 2; ++draw) {
    const std::uint64_t bits = word();
    sum += (bits & 0xffff) + ((bits >> 16) & 0xffff) + ((bits >> 32) & 0xffff) + (bits >> 48);
  }
  constexpr float kMean = 8 * 65535 / 2.0F;
  constexpr float kInverseDeviation = 1.8688365e-05F;  // 1 / sqrt(8 * (65536^2 - 1) / 12)
  return (static_cast<float>(sum) - kMean) * kInverseDeviation;
}

}  // namespace fathom
