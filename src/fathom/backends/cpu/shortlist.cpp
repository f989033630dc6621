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
struct Bar {
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

// One row's logits by the sketch, and who is left of them.
struct RowSearch {
  const HeadSketch* sketch = nullptr;
  const SketchedX* x = nullptr;
  std::size_t row = 0;
  ShortlistRow by;
  const std::int64_t* sums = nullptr;  // [ids], without the last bits
  float* most = nullptr;               // [ids], as most_of says
  Bar bar = {};
  std::vector<std::int32_t> reached = {};  // tokens
  bool gives_up = false;                   // a number that is none or too large

  HeadSketch::Estimate rough(std::int64_t output) const {
    return sketch->rough_estimate(output, sums[output], x->rows[row]);
  }
  HeadSketch::Estimate narrow(std::int64_t output) const {
    return sketch->estimate(output, sums[output] + sketch->lower_sum(*x, row, output), x->rows[row]);
  }
};

// What a logit does not exceed; infinite where that is too large for a list, or no number.
float most_of(HeadSketch::Estimate estimate) {
  constexpr double kToFloat = 0x1p-22;  // more than the rounding to a float
  const double most = estimate.value + estimate.bound;
  if (!(std::fabs(estimate.value) + estimate.bound <= static_cast<double>(kMostShortlistLogit)))
    return std::numeric_limits<float>::infinity();
  return static_cast<float>(most + kToFloat * std::fabs(most));
}

// Of outputs [first, last): who leads, and what none exceeds.
void meet(const RowSearch& search, std::int64_t first, std::int64_t last, Leaders& leaders) {
  for (std::int64_t output = first; output < last; ++output) {
    const HeadSketch::Estimate estimate = search.rough(output);
    search.most[output] = most_of(estimate);
    leaders.meet(search.by, static_cast<std::int32_t>(output), estimate.value);
  }
}

void reach(const RowSearch& search, std::int64_t first, std::int64_t last, std::vector<std::int32_t>& reached) {
  for (std::int64_t output = first; output < last; ++output) {
    const auto token = static_cast<std::int32_t>(output);
    if (search.bar.is_reached(search.by, token, static_cast<double>(search.most[output]))) reached.push_back(token);
  }
}

struct RowToken {
  std::size_t row = 0;
  std::int32_t token = 0;
};

// What these do not exceed, by the last bits too.
void narrow(std::span<const RowSearch> searches, std::span<const RowToken> tokens) {
  for (const RowToken& one : tokens) searches[one.row].sketch->fetch_lower(one.token);
  for (const RowToken& one : tokens) {
    const RowSearch& search = searches[one.row];
    search.most[one.token] = most_of(search.narrow(one.token));
  }
}

void leave_unreached(RowSearch& search) {
  for (const std::int32_t token : search.reached) search.gives_up = search.gives_up || std::isinf(search.most[token]);
  std::erase_if(search.reached, [&](std::int32_t token) {
    return !search.bar.is_reached(search.by, token, static_cast<double>(search.most[token]));
  });
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
Bar bar_of(std::span<const ExactTile> tiles, std::int64_t ids, const ShortlistRow& by) {
  double first = kNone;
  Bar bar = {};
  for (const ExactTile& tile : tiles)
    for (std::int64_t output = 0; output < std::min(kTileOutputs, ids - tile.tile * kTileOutputs); ++output) {
      const auto token = static_cast<std::int32_t>(tile.tile * kTileOutputs + output);
      const auto logit = static_cast<double>(tile.logits[static_cast<std::size_t>(output)]);
      bar.second = std::max(bar.second, std::min(first, logit));
      first = std::max(first, logit);
      if (by.temperature > 0.0)
        bar.noisy = std::max(bar.noisy, logit / by.temperature + noise(gumbel_bits(by.place, token)) - kSlack);
    }
  return bar;
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
  const SketchedX x = sketch.lay(x_rows);
  const Arena::Scope scope(scratch_.front());
  const auto sums = scratch_.front().take<std::int64_t, 2>({std::ssize(x_rows), args.ids});
  const auto most = scratch_.front().take<float, 2>({std::ssize(x_rows), args.ids});
  std::vector<RowSearch> searches;
  for (std::int64_t row = 0; row < std::ssize(x_rows); ++row) {
    const auto index = static_cast<std::size_t>(row);
    searches.push_back({.sketch = &sketch,
                        .x = &x,
                        .row = index,
                        .by = args.rows[index],
                        .sums = sums[row].data(),
                        .most = most[row].data(),
                        .gives_up = !x.rows[index].is_finite});
  }

  // body(first, last, what a worker keeps of each row) for pieces of outputs, `work` multiply-adds for each.
  const auto for_each_piece = [&](std::int64_t work, auto& kept, const auto& body) {
    kept.resize(static_cast<std::size_t>(threads()));
    for (auto& of_worker : kept) of_worker.resize(searches.size());
    pool_.parallel_for_helping((args.ids + kPieceOutputs - 1) / kPieceOutputs,
                               grain(kPieceOutputs * work * std::ssize(searches)),
                               [&](std::int64_t first, std::int64_t last, std::int64_t worker) {
                                 for (std::int64_t piece = first; piece < last; ++piece)
                                   body(piece * kPieceOutputs, std::min(args.ids, (piece + 1) * kPieceOutputs),
                                        kept[static_cast<std::size_t>(worker)]);
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

  std::vector<std::vector<Leaders>> leaders;
  for_each_piece(weight.in, leaders, [&](std::int64_t first, std::int64_t last, std::vector<Leaders>& kept) {
    sketch.multiply(x, first, last, sums);
    for (const RowSearch& search : searches) meet(search, first, last, kept[search.row]);
  });

  ExactTiles led;
  for (const RowSearch& search : searches) {
    Leaders all;
    for (const std::vector<Leaders>& of_worker : leaders) all.take(of_worker[search.row]);
    led.add_row(tiles_of(all.tokens()));
  }
  compute(led.all());
  for (RowSearch& search : searches) search.bar = bar_of(led.of(search.row), args.ids, search.by);

  constexpr std::int64_t kReachWork = 4;  // a comparison, or the noise's bits
  std::vector<std::vector<std::vector<std::int32_t>>> reached;
  for_each_piece(kReachWork, reached, [&](std::int64_t first, std::int64_t last, auto& kept) {
    for (const RowSearch& search : searches)
      if (!search.gives_up) reach(search, first, last, kept[search.row]);
  });
  for (RowSearch& search : searches)
    for (const auto& of_worker : reached)
      search.reached.insert(search.reached.end(), of_worker[search.row].begin(), of_worker[search.row].end());

  std::vector<RowToken> all;
  for (const RowSearch& search : searches)
    for (const std::int32_t token : search.reached) all.push_back({search.row, token});
  constexpr std::int64_t kAtOnce = 16;
  for_each((std::ssize(all) + kAtOnce - 1) / kAtOnce, kAtOnce * weight.in, [&](std::int64_t index, Arena& /*scratch*/) {
    const auto some = std::span(all).subspan(static_cast<std::size_t>(index * kAtOnce));
    narrow(searches, some.first(std::min(some.size(), static_cast<std::size_t>(kAtOnce))));
  });
  for (RowSearch& search : searches) leave_unreached(search);

  // None of a row where the product is as cheap.
  constexpr std::int64_t kMostShare = 8;
  ExactTiles exact;
  for (const RowSearch& search : searches) {
    auto tiles = tiles_of(search.reached);
    if (search.gives_up || kMostShare * std::ssize(tiles) > weight.tiles() + kMostShare) tiles.clear();
    exact.add_row(tiles);
  }
  compute(exact.all());
  for (const RowSearch& search : searches) {
    Shortlist& out = args.out[search.row];
    if (!choose(exact.of(search.row), args.ids, search.by, out)) out = {};
  }
}

}  // namespace fathom
