#include "fathom/corpus/row_place.h"

#include <nlohmann/json.hpp>

#include "fathom/base/error.h"

namespace fathom {
namespace {

using Json = nlohmann::json;

template <typename Value>
void require_equal(const Value& found, const Value& expected, std::string_view what) {
  if (found != expected)
    throw InputError("[rows] the place to go on from has {} {}, expected {}", what, found, expected);
}

Json part_json(const PartPlace& part, std::uint64_t checksum, double weight) {
  return {{"checksum", fmt::format("{:016x}", checksum)},
          {"weight", weight},
          {"epoch", part.epoch},
          {"next", part.next},
          {"first", part.first},
          {"drawn", part.drawn}};
}

OrderPlace read_place(const Json& json, const RowIdentity& identity) {
  require_equal(json.at("length").get<std::int64_t>(), identity.length, "the length");
  require_equal(json.at("seed").get<std::uint64_t>(), identity.seed, "the seed");
  const Json& parts = json.at("parts");
  require_equal(parts.size(), identity.checksums.size(), "as number of parts");
  OrderPlace place;
  place.row = json.at("row").get<std::int64_t>();
  for (std::size_t part = 0; part < parts.size(); ++part) {
    const Json& at = parts.at(part);
    require_equal(at.at("checksum").get<std::string>(), fmt::format("{:016x}", identity.checksums[part]),
                  fmt::format("as checksum of part {}", part));
    require_equal(at.at("weight").get<double>(), identity.weights[part], fmt::format("as weight of part {}", part));
    place.parts.push_back({.epoch = at.at("epoch").get<std::int64_t>(),
                           .next = at.at("next").get<std::int64_t>(),
                           .first = at.at("first").get<std::int64_t>(),
                           .drawn = at.at("drawn").get<std::int64_t>()});
  }
  for (const Json& piece : json.at("waiting"))
    place.waiting.push_back({.part = piece.at(0).get<std::int64_t>(),
                             .document = piece.at(1).get<std::int64_t>(),
                             .first = piece.at(2).get<std::int64_t>(),
                             .count = piece.at(3).get<std::int64_t>()});
  return place;
}

}  // namespace

std::string write_row_place(const OrderPlace& place, const RowIdentity& identity) {
  Json parts = Json::array();
  for (std::size_t part = 0; part < place.parts.size(); ++part)
    parts.push_back(part_json(place.parts[part], identity.checksums[part], identity.weights[part]));
  Json waiting = Json::array();
  for (const RowPiece& piece : place.waiting)
    waiting.push_back(Json::array({piece.part, piece.document, piece.first, piece.count}));
  return Json{{"length", identity.length},
              {"seed", identity.seed},
              {"row", place.row},
              {"parts", std::move(parts)},
              {"waiting", std::move(waiting)}}
      .dump();
}

OrderPlace read_row_place(std::string_view text, const RowIdentity& identity) {
  try {
    return read_place(Json::parse(text), identity);
  } catch (const Json::exception& error) {
    throw InputError("[rows] the place to go on from cannot be read: {}", error.what());
  }
}

}  // namespace fathom
