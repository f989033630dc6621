// The place of a row stream as a line of JSON, with the shards and options it belongs to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/corpus/row_order.h"

namespace fathom {

// What decides the order of the rows, and so what a place is good for.
struct RowIdentity {
  std::int64_t length = 0;
  std::uint64_t seed = 0;
  std::vector<std::uint64_t> checksums;  // of the parts' shards
  std::vector<double> weights;
};

std::string write_row_place(const OrderPlace& place, const RowIdentity& identity);

// InputError: no place, or one of another identity (the message names both values).
OrderPlace read_row_place(std::string_view text, const RowIdentity& identity);

}  // namespace fathom
