// The logits that can win, of a head's product that is not computed (Note [A head's sketch], head_sketch.h):
//
//   the leading bits of all ── rough values ── the few largest: exact ── what an upper bound has to reach
//   rough values + bounds that reach it ── the last bits ── narrower bounds that reach it: exact ── the list
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/backends/cpu/head_sketch.h"
#include "fathom/backends/cpu/kernels/linear.h"
#include "fathom/backends/cpu/packed_weight.h"
#include "fathom/ops/gumbel.h"

namespace fathom {
namespace {

// The sketch spares memory's time; more rows are bound by their multiply-adds.
constexpr std::int64_t kMostSketchedRows = 4;

constexpr double kNone = -std::numeric_limits<double>::infinity();
// Beside the margin of the list itself: what the sums of noise and numbers below 10^8 round to.
constexpr double kSlack = kShortlistMargin + 1e-6;

double noise(std::uint64_t bits) { return -std::log(-std::log(gumbel_uniform(bits))); }

// The tokens whose numbers are the largest that were met, a few.
class Largest {
 public:
  double least() const { return found_.back().number; }
  void meet(std::int32_t token, double number) {
    if (!(number > least())) return;
    std::size_t place = found_.size() - 1;
    for (; place > 0 && found_[place - 1].number < number; --place) found_[place] = found_[place - 1];
    found_[place] = {token, number};
  }
  void take(const Largest& other) {
    for (const One& one : other.found_) meet(one.token, one.number);
  }
  void add_to(std::vector<std::int32_t>& tokens) const {
    for (const One& one : found_)
      if (one.number > kNone) tokens.push_back(one.token);
  }

 private:
  struct One {
    std::int32_t token = 0;
    double number = kNone;
  };
  std::array<One, 4> found_;
};

// Those of a row, by rough logits and by those over the temperature with their noise.
struct Leaders {
  Largest logits;
  Largest noisy;

  void meet(const ShortlistRow& by, std::int32_t token, double logit) {
    logits.meet(token, logit);
    if (by.temperature <= 0.0) return;
    const double scaled = logit / by.temperature;
    const std::uint64_t bits = gumbel_bits(by.place, token);
    if (scaled + most_gumbel(bits) > noisy.least()) noisy.meet(token, scaled + noise(bits));
  }
  void take(const Leaders& other) {
    logits.take(other.logits);
    noisy.take(other.noisy);
  }
  std::vector<std::int32_t> tokens() const {
    std::vector<std::int32_t> tokens;
    logits.add_to(tokens);
    noisy.add_to(tokens);
    return tokens;
  }
};

// What a logit, or that over the temperature with its noise, must reach to count.
struct Least {
  double second = kNone;
  double noisy = kNone;

  bool is_reached(const ShortlistRow& by, std::int32_t token, double most) const {
    if (most >= second) return true;
    if (by.temperature <= 0.0) return false;
    const std::uint64_t bits = gumbel_bits(by.place, token);
    const double scaled = most / by.temperature;
    return scaled + most_gumbel(bits) >= noisy && scaled + noise(bits) >= noisy;
  }
};

// The sketch of one row's logits.
struct Rough {
  const HeadSketch* sketch = nullptr;
  const SketchedX* x = nullptr;
  std::size_t row = 0;
  const std::int64_t* sums = nullptr;  // [ids], without the last bits

  HeadSketch::Estimate of(std::int64_t output) const {
    return sketch->rough_estimate(output, sums[output], x->rows[row]);
  }
  HeadSketch::Estimate narrower_of(std::int64_t output) const {
    return sketch->estimate(output, sums[output] + sketch->lower_sum(*x, row, output), x->rows[row]);
  }
};

// Tokens that a narrower bound did not leave out.
struct Reached {
  static constexpr std::size_t kMost = 1 << 14;  // more than a list is worth

  std::vector<std::int32_t> tokens;
  bool gives_up = false;  // a number that is none or too large, or too many tokens

  void take(const Reached& other) {
    tokens.insert(tokens.end(), other.tokens.begin(), other.tokens.end());
    gives_up = gives_up || other.gives_up;
  }
};

bool is_of_a_list(HeadSketch::Estimate estimate) {
  return std::fabs(estimate.value) + estimate.bound <= static_cast<double>(kMostShortlistLogit);  // not of NaN
}

// Of outputs [first, last), kPieceOutputs at most.
void reach(const Rough& rough, const ShortlistRow& by, const Least& least, std::int64_t first, std::int64_t last,
           Reached& reached) {
  std::array<std::int64_t, kPieceOutputs> outputs = {};
  std::size_t count = 0;
  for (std::int64_t output = first; output < last && !reached.gives_up; ++output) {
    const HeadSketch::Estimate estimate = rough.of(output);
    if (is_of_a_list(estimate) &&
        !least.is_reached(by, static_cast<std::int32_t>(output), estimate.value + estimate.bound))
      continue;
    rough.sketch->fetch_lower(output);
    outputs[count++] = output;
  }
  for (const std::int64_t output : std::span(outputs).first(count)) {
    const auto token = static_cast<std::int32_t>(output);
    const HeadSketch::Estimate estimate = rough.narrower_of(output);
    if (!is_of_a_list(estimate)) reached.gives_up = true;
    if (least.is_reached(by, token, estimate.value + estimate.bound)) reached.tokens.push_back(token);
  }
  if (reached.tokens.size() > Reached::kMost) reached.gives_up = true;
}

// Exact logits of sixteen outputs.
struct ExactTile {
  std::size_t row = 0;
  std::int64_t tile = 0;
  std::array<float, kTileOutputs> logits = {};
};

// The tiles of tokens, each once, in order.
std::vector<std::int64_t> tiles_of(std::span<const std::int32_t> tokens) {
  std::vector<std::int64_t> tiles;
  for (const std::int32_t token : tokens) tiles.push_back(token / kTileOutputs);
  std::sort(tiles.begin(), tiles.end());
  tiles.erase(std::unique(tiles.begin(), tiles.end()), tiles.end());
  return tiles;
}

// Of several rows, which are added in turn.
class ExactTiles {
 public:
  void add_row(std::span<const std::int64_t> tiles) {
    for (const std::int64_t tile : tiles) tiles_.push_back({.row = first_.size() - 1, .tile = tile});
    first_.push_back(tiles_.size());
  }
  std::span<ExactTile> all() { return tiles_; }
  std::span<const ExactTile> of(std::size_t row) const {
    return std::span(tiles_).subspan(first_[row], first_[row + 1] - first_[row]);
  }

 private:
  std::vector<ExactTile> tiles_;
  std::vector<std::size_t> first_{0};
};

// By the exact logits of a row's leaders.
Least least_of(std::span<const ExactTile> tiles, std::int64_t ids, const ShortlistRow& by) {
  double first = kNone;
  Least least;
  for (const ExactTile& tile : tiles)
    for (std::int64_t output = 0; output < std::min(kTileOutputs, ids - tile.tile * kTileOutputs); ++output) {
      const auto token = static_cast<std::int32_t>(tile.tile * kTileOutputs + output);
      const auto logit = static_cast<double>(tile.logits[static_cast<std::size_t>(output)]);
      least.second = std::max(least.second, std::min(first, logit));
      first = std::max(first, logit);
      if (by.temperature > 0.0)
        least.noisy = std::max(least.noisy, logit / by.temperature + noise(gumbel_bits(by.place, token)) - kSlack);
    }
  return least;
}

// As ops/shortlist.h says, from logits that hold all that count; false for a number that is none.
bool choose(std::span<const ExactTile> tiles, std::int64_t ids, const ShortlistRow& by, Shortlist& out) {
  constexpr float kNoLogit = -std::numeric_limits<float>::infinity();
  struct Sum {
    std::int32_t token = 0;
    float logit = 0.0F;
    double sum = 0.0;
  };
  std::vector<Sum> sums;
  double most = kNone;
  out = {.count = 0, .largest = kNoLogit, .second = kNoLogit};
  for (const ExactTile& tile : tiles)
    for (std::int64_t output = 0; output < kTileOutputs; ++output) {
      const auto token = static_cast<std::int32_t>(tile.tile * kTileOutputs + output);
      const float logit = tile.logits[static_cast<std::size_t>(output)];
      if (token >= ids) break;
      if (!(std::fabs(logit) <= static_cast<float>(kMostShortlistLogit))) return false;
      double sum = static_cast<double>(logit);
      if (by.temperature > 0.0) sum = sum / by.temperature + noise(gumbel_bits(by.place, token));
      most = std::max(most, sum);
      out.second = std::max(out.second, std::min(out.largest, logit));
      out.largest = std::max(out.largest, logit);
      sums.push_back({token, logit, sum});
    }
  const double least = most - (by.temperature > 0.0 ? kShortlistMargin : 0.0);
  for (const Sum& sum : sums) {
    if (sum.sum < least) continue;
    if (out.count == Shortlist::kMost) return false;
    out.tokens[static_cast<std::size_t>(out.count)] = sum.token;
    out.logits[static_cast<std::size_t>(out.count++)] = sum.logit;
  }
  return out.count > 0;
}

}  // namespace

std::int64_t CpuBackend::shortlist_bytes(const PreparedWeight& weight, std::int64_t rows) const {
  const auto* held = dynamic_cast<const PackedWeight*>(&weight);
  return held != nullptr && held->sketch() && rows <= kMostSketchedRows ? held->sketch()->upper_bytes() : 0;
}

void CpuBackend::do_shortlist_product(const ShortlistProductArgs& args) {
  const PackedTiles& weight = packed(args.weight);
  const auto* held = dynamic_cast<const PackedWeight*>(&args.weight);
  check(held != nullptr && held->sketch().has_value(), "a shortlisted product's weight has a sketch");
  const HeadSketch& sketch = *held->sketch();
  std::vector<const float*> x_rows;
  for (const std::int64_t row : args.wanted) x_rows.push_back(args.x.data() + row * weight.in);
  const std::size_t rows = x_rows.size();
  const SketchedX x = sketch.lay(x_rows);
  const Arena::Scope scope(scratch_.front());
  const auto sums = scratch_.front().take<std::int64_t, 2>({std::ssize(x_rows), args.ids});
  const auto rough_of = [&](std::size_t row) {
    return Rough{.sketch = &sketch, .x = &x, .row = row, .sums = sums[static_cast<std::int64_t>(row)].data()};
  };

  // body(first, last, worker) for pieces of outputs, `work` multiply-adds each.
  const auto for_each_piece = [&](std::int64_t work, const auto& body) {
    const std::int64_t pieces = (args.ids + kPieceOutputs - 1) / kPieceOutputs;
    pool_.parallel_for_helping(pieces, grain(kPieceOutputs * work * std::ssize(x_rows)),
                               [&](std::int64_t first, std::int64_t last, std::int64_t worker) {
                                 for (std::int64_t piece = first; piece < last; ++piece)
                                   body(piece * kPieceOutputs, std::min(args.ids, (piece + 1) * kPieceOutputs),
                                        static_cast<std::size_t>(worker));
                               });
  };
  const auto compute = [&](std::span<ExactTile> tiles) {
    for_each(std::ssize(tiles), kTileOutputs * weight.in, [&](std::int64_t index, Arena& /*scratch*/) {
      ExactTile& tile = tiles[static_cast<std::size_t>(index)];
      float* to = tile.logits.data();
      const std::int64_t first = tile.tile * kTileOutputs;
      linear_piece({.weight = &weight,
                    .first_out = first,
                    .last_out = std::min(weight.out, first + kTileOutputs),
                    .rows = 1,
                    .x = &x_rows[tile.row],
                    .out = &to});
    });
  };

  const auto workers = static_cast<std::size_t>(threads());
  std::vector<std::vector<Leaders>> leaders(workers, std::vector<Leaders>(rows));
  for_each_piece(weight.in, [&](std::int64_t first, std::int64_t last, std::size_t worker) {
    sketch.multiply(x, first, last, sums);
    for (std::size_t row = 0; row < rows; ++row)
      for (std::int64_t output = first; output < last; ++output)
        leaders[worker][row].meet(args.rows[row], static_cast<std::int32_t>(output), rough_of(row).of(output).value);
  });

  ExactTiles led;
  for (std::size_t row = 0; row < rows; ++row) {
    Leaders all;
    for (const std::vector<Leaders>& of_worker : leaders) all.take(of_worker[row]);
    led.add_row(tiles_of(all.tokens()));
  }
  compute(led.all());
  std::vector<Least> least;
  for (std::size_t row = 0; row < rows; ++row) least.push_back(least_of(led.of(row), args.ids, args.rows[row]));

  constexpr std::int64_t kReachWork = 4;  // a sum's bounds
  std::vector<std::vector<Reached>> reached(workers, std::vector<Reached>(rows));
  for_each_piece(kReachWork, [&](std::int64_t first, std::int64_t last, std::size_t worker) {
    for (std::size_t row = 0; row < rows; ++row)
      if (x.rows[row].is_finite) reach(rough_of(row), args.rows[row], least[row], first, last, reached[worker][row]);
  });

  // None of a row where the product is as cheap.
  constexpr std::int64_t kMostShare = 8;
  ExactTiles exact;
  for (std::size_t row = 0; row < rows; ++row) {
    Reached all;
    for (const std::vector<Reached>& of_worker : reached) all.take(of_worker[row]);
    auto tiles = tiles_of(all.tokens);
    if (all.gives_up || kMostShare * std::ssize(tiles) > weight.tiles() + kMostShare) tiles.clear();
    exact.add_row(tiles);
  }
  compute(exact.all());
  for (std::size_t row = 0; row < rows; ++row)
    if (!choose(exact.of(row), args.ids, args.rows[row], args.out[row])) args.out[row] = {};
}

}  // namespace fathom
