// A stream of random numbers that is the same on every machine: integer arithmetic alone, seeded by number and name.
#pragma once

#include <cstdint>
#include <string_view>

namespace fathom {

class RandomValues {
 public:
  RandomValues(std::uint64_t seed, std::string_view name);

  std::uint64_t word();
  // Uniform over 0 .. count - 1, count > 0.
  std::int64_t below(std::int64_t count);
  // Mean 0, standard deviation 1, magnitude below 4.9: a sum of eight uniform numbers, near enough to a normal one.
  float normal();

 private:
  std::uint64_t state_;
};

}  // namespace fathom
