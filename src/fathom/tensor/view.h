// View<T, Rank>: a dense row-major array somebody else owns. The shape can be destructured:
//   const auto [tokens, heads, head_dim] = q.shape();
// `const` in the element type says who writes. A view of device memory is never dereferenced above backends/.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <type_traits>

#include "fathom/base/error.h"

namespace fathom {

template <typename T, std::size_t Rank>
class View {
 public:
  using Shape = std::array<std::int64_t, Rank>;

  View() = default;
  View(T* data, const Shape& shape) : data_(data), shape_(shape) {}
  // A writable view serves as a read-only one.
  template <typename U, typename = std::enable_if_t<std::is_same_v<const U, T>>>
  View(const View<U, Rank>& other)  // NOLINT(google-explicit-constructor)
      : data_(other.data()), shape_(other.shape()) {}

  T* data() const { return data_; }
  const Shape& shape() const { return shape_; }
  std::int64_t extent(std::size_t dimension) const { return shape_[dimension]; }
  std::int64_t size() const {
    std::int64_t product = 1;
    for (const std::int64_t extent : shape_) product *= extent;
    return product;
  }
  bool empty() const { return data_ == nullptr || size() == 0; }

  // The sub-array at `index` of the first dimension; an element reference when Rank is 1.
  decltype(auto) operator[](std::int64_t index) const {
    if constexpr (Rank == 1) {
      return (data_[index]);
    } else {
      std::array<std::int64_t, Rank - 1> rest{};
      std::int64_t stride = 1;
      for (std::size_t dimension = 1; dimension < Rank; ++dimension) {
        rest[dimension - 1] = shape_[dimension];
        stride *= shape_[dimension];
      }
      return View<T, Rank - 1>(data_ + index * stride, rest);
    }
  }

  // Rows [first, first + count) of the first dimension.
  View rows(std::int64_t first, std::int64_t count) const {
    check(first >= 0 && count >= 0 && first + count <= shape_[0], "view rows out of range");
    Shape shape = shape_;
    const std::int64_t stride = shape_[0] == 0 ? 0 : size() / shape_[0];
    shape[0] = count;
    return View(data_ + first * stride, shape);
  }

  // The same elements under another shape.
  template <std::size_t NewRank>
  View<T, NewRank> reshape(const std::array<std::int64_t, NewRank>& shape) const {
    View<T, NewRank> result(data_, shape);
    check_equal(result.size(), size(), "elements of a reshaped view");
    return result;
  }

  std::span<T> span() const { return {data_, static_cast<std::size_t>(size())}; }

 private:
  T* data_ = nullptr;
  Shape shape_{};
};

}  // namespace fathom
