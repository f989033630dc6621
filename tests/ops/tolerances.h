// How far a backend may lie from the formula in double precision, relative to the size of the terms that were summed
// (tests give that size beside the expected value). Backends compute in float32; that they agree with one another to
// the last bit is released_bits_test.cpp's to say.
#pragma once

namespace fathom::op_test {

inline constexpr double kLinear = 2e-5;  // chains of up to 700 products
inline constexpr double kRmsNorm = 1e-6;
inline constexpr double kRotary = 2e-7;
inline constexpr double kHadamard = 1e-6;
inline constexpr double kGatedPool = 5e-6;
inline constexpr double kAttention = 1e-5;
inline constexpr double kHyperConnections = 1e-6;
inline constexpr double kRoute = 2e-6;
inline constexpr double kSwiglu = 1e-6;
inline constexpr double kExperts = 5e-5;

}  // namespace fathom::op_test
