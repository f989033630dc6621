// A view's elements, copied out of a backend's memory: for what looks at results, never for what computes them.
#pragma once

#include <type_traits>
#include <vector>

#include "fathom/ops/backend.h"

namespace fathom {

template <typename T, std::size_t Rank>
std::vector<std::remove_const_t<T>> downloaded(Backend& backend, const View<T, Rank>& view) {
  std::vector<std::remove_const_t<T>> values(static_cast<std::size_t>(view.size()));
  backend.download(reinterpret_cast<const std::byte*>(view.data()), std::as_writable_bytes(std::span(values)));
  return values;
}

}  // namespace fathom
