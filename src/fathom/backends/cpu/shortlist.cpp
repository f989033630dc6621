// The logits that can win, of a head's product that is not computed (Note [A head's sketch], head_sketch.h): all are
// estimated, what is out of reach of the sampler's choice and of the two largest is left out, the rest is exact.
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

// A token that could not be left out when it was met: upper bounds of its logit, and of that over the temperature with
// its noise.
struct Reach {
  std::int32_t token = 0;
  double logit = kNone;
  double noisy = kNone;
};

// What a thread has seen of a row.
class Search {
 public:
  void meet(const ShortlistRow& by, std::int32_t token, HeadSketch::Estimate estimate) {
    if (gives_up_) return;
    if (!(std::fabs(estimate.value) + estimate.bound <= static_cast<double>(kMostShortlistLogit))) {  // NaN too
      gives_up_ = true;
      return;
    }
    Reach reach = {.token = token, .logit = estimate.value + estimate.bound};
    if (by.temperature > 0.0) reach.noisy = noisy(by, token, estimate);
    if (!can_win(reach)) return;
    const double least = estimate.value - estimate.bound;
    second_ = std::max(second_, std::min(first_, least));
    first_ = std::max(first_, least);
    if (found_.size() == kMost) {
      forget();
      gives_up_ = found_.size() > kMost / 2;
    }
    found_.push_back(reach);
  }

  void take(const Search& other) {
    second_ = std::max({std::min(first_, other.first_), second_, other.second_});
    first_ = std::max(first_, other.first_);
    noisy_ = std::max(noisy_, other.noisy_);
    gives_up_ = gives_up_ || other.gives_up_;
    found_.insert(found_.end(), other.found_.begin(), other.found_.end());
  }

  // Those that are still in reach.
  std::vector<std::int32_t> tokens() {
    forget();
    std::vector<std::int32_t> result;
    for (const Reach& reach : found_) result.push_back(reach.token);
    return result;
  }
  // A number that is none or too large, or more tokens than a list is worth.
  bool gives_up() const { return gives_up_; }

 private:
  static constexpr std::size_t kMost = 1 << 14;

  double least_noisy() const { return noisy_ - kSlack; }
  bool can_win(const Reach& reach) const {
    return reach.logit >= second_ || (reach.noisy > kNone && reach.noisy >= least_noisy());
  }

  // Of a token that may still win; else no number that counts.
  double noisy(const ShortlistRow& by, std::int32_t token, const HeadSketch::Estimate& estimate) {
    const std::uint64_t bits = gumbel_bits(by.place, token);
    const double most = (estimate.value + estimate.bound) / by.temperature;
    if (most + most_gumbel(bits) < least_noisy()) return kNone;
    const double added = noise(bits);
    noisy_ = std::max(noisy_, (estimate.value - estimate.bound) / by.temperature + added);
    return most + added;
  }

  void forget() {
    std::erase_if(found_, [&](const Reach& reach) { return !can_win(reach); });
  }

  double first_ = kNone;   // no more than the largest logit
  double second_ = kNone;  // and the second
  double noisy_ = kNone;   // than the largest sum with noise
  bool gives_up_ = false;
  std::vector<Reach> found_;
};

// Exact logits of sixteen outputs.
struct ExactTile {
  std::size_t row = 0;
  std::int64_t tile = 0;
  std::array<float, kTileOutputs> logits = {};
};

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
  return held != nullptr && held->sketch() && rows <= kMostSketchedRows ? held->sketch()->bytes() : 0;
}

void CpuBackend::do_shortlist_product(const ShortlistProductArgs& args) {
  const PackedTiles& weight = packed(args.weight);
  const auto* held = dynamic_cast<const PackedWeight*>(&args.weight);
  check(held != nullptr && held->sketch().has_value(), "a shortlisted product's weight has a sketch");
  const HeadSketch& sketch = *held->sketch();
  std::vector<const float*> x_rows;
  for (const std::int64_t row : args.wanted) x_rows.push_back(args.x.data() + row * weight.in);
  const auto rows = std::ssize(x_rows);
  const SketchedX x = sketch.lay(x_rows);

  std::vector<std::vector<Search>> searches(static_cast<std::size_t>(threads()),
                                            std::vector<Search>(static_cast<std::size_t>(rows)));
  const std::int64_t pieces = (args.ids + kPieceOutputs - 1) / kPieceOutputs;
  pool_.parallel_for_helping(
      pieces, grain(kPieceOutputs * weight.in * rows), [&](std::int64_t first, std::int64_t last, std::int64_t worker) {
        std::vector<std::int64_t> sums(static_cast<std::size_t>(rows * kPieceOutputs));
        for (std::int64_t piece = first; piece < last; ++piece) {
          const std::int64_t output = piece * kPieceOutputs;
          const std::int64_t count = std::min(kPieceOutputs, args.ids - output);
          sketch.multiply(x, output, output + count, sums.data());
          for (std::int64_t row = 0; row < rows; ++row) {
            const SketchedX::Row& laid = x.rows[static_cast<std::size_t>(row)];
            Search& search = searches[static_cast<std::size_t>(worker)][static_cast<std::size_t>(row)];
            for (std::int64_t index = 0; index < count; ++index)
              search.meet(args.rows[static_cast<std::size_t>(row)], static_cast<std::int32_t>(output + index),
                          sketch.estimate(output + index, sums[static_cast<std::size_t>(row * count + index)], laid));
          }
        }
      });

  // A row's tiles in turn; none where the product is as cheap.
  constexpr std::int64_t kMostShare = 8;
  std::vector<ExactTile> tiles;
  std::vector<std::size_t> first_of{0};
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto index = static_cast<std::size_t>(row);
    Search all;
    for (const std::vector<Search>& of_thread : searches) all.take(of_thread[index]);
    std::vector<std::int64_t> of_row;
    for (const std::int32_t token : all.tokens()) of_row.push_back(token / kTileOutputs);
    std::sort(of_row.begin(), of_row.end());
    of_row.erase(std::unique(of_row.begin(), of_row.end()), of_row.end());
    const bool gives_up =
        !x.rows[index].is_finite || all.gives_up() || kMostShare * std::ssize(of_row) > weight.tiles() + kMostShare;
    if (gives_up) of_row.clear();
    for (const std::int64_t tile : of_row) tiles.push_back({.row = index, .tile = tile});
    first_of.push_back(tiles.size());
  }

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
  for (std::size_t row = 0; row + 1 < first_of.size(); ++row) {
    const auto of_row = std::span(tiles).subspan(first_of[row], first_of[row + 1] - first_of[row]);
    if (!choose(of_row, args.ids, args.rows[row], args.out[row])) args.out[row] = {};
  }
}

}  // namespace fathom
