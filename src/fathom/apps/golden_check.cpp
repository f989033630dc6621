#include "fathom/apps/golden_check.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "fathom/apps/golden_observer.h"

namespace fathom {
namespace {

constexpr GoldenTolerance kSmooth{
    .logits_largest = 1e-3, .logits_mean = 1e-5, .streams_largest = 1e-3, .mtp_largest = 1e-3};
// One value on a rounding boundary of the stored cache moves a whole row, hence the larger extremes.
constexpr GoldenTolerance kReleased{
    .logits_largest = 5e-2, .logits_mean = 1e-4, .streams_largest = 5e-2, .mtp_largest = 5e-2};

// Feeds the whole sequence and compares as it goes.
class GoldenRun {
 public:
  GoldenRun(Transformer& transformer, const Golden& golden, GoldenReport& report)
      : transformer_(transformer),
        golden_(golden),
        report_(report),
        observer_(golden, transformer.config(), transformer.backend(), report) {}

  void trunk(const RunLengths& run_lengths) {
    SequenceCache cache = transformer_.make_cache();
    const auto total = std::ssize(golden_.token_ids);
    const ModelConfig& config = transformer_.config();
    streams_.resize(golden_.mtp_logits.empty() ? 0
                                               : static_cast<std::size_t>(total * config.streams * config.channels));
    logits_.resize(static_cast<std::size_t>(total * config.vocab));
    while (cache.tokens() < total) {
      const std::int64_t start = cache.tokens();
      const std::int64_t length = std::clamp<std::int64_t>(run_lengths(start, golden_.prompt, total), 1, total - start);
      observer_.begin(start, length);
      const BatchRun run{
          .cache = &cache,
          .ids =
              std::span(golden_.token_ids).subspan(static_cast<std::size_t>(start), static_cast<std::size_t>(length))};
      const auto logits = transformer_.forward({&run, 1}, &observer_);
      download(logits.data(), logits.size(), logits_.data() + start * config.vocab);
      if (!streams_.empty()) {
        const auto streams = transformer_.final_streams();
        download(streams.data(), streams.size(), streams_.data() + start * config.streams * config.channels);
      }
    }
    compare(logits_, golden_.logits, report_.logits);
  }

  // The MTP block reads the trunk's streams of t and token t + 1.
  void mtp() {
    const auto pairs = std::ssize(golden_.token_ids) - 1;
    if (golden_.mtp_logits.empty() || pairs < 1) return;
    const ModelConfig& config = transformer_.config();
    Memory streams(transformer_.backend().allocator(), pairs * config.streams * config.channels * 4);
    transformer_.backend().upload(std::as_bytes(std::span(streams_)).first(static_cast<std::size_t>(streams.bytes())),
                                  streams.data());
    SequenceCache cache = transformer_.make_cache();
    const BatchRun run{.cache = &cache, .ids = std::span(golden_.token_ids).subspan(1)};
    const auto logits =
        transformer_.draft({&run, 1}, streams.view<const float, 3>({pairs, config.streams, config.channels}));
    std::vector<float> found(static_cast<std::size_t>(logits.size()));
    download(logits.data(), logits.size(), found.data());
    compare(found, golden_.mtp_logits, report_.mtp);
  }

 private:
  void download(const float* device, std::int64_t count, float* host) {
    transformer_.backend().download(reinterpret_cast<const std::byte*>(device),
                                    std::as_writable_bytes(std::span(host, static_cast<std::size_t>(count))));
  }

  void compare(std::span<const float> found, std::span<const float> expected, Difference& difference) const {
    const std::int64_t vocab = transformer_.config().vocab;
    for (std::int64_t row = 0; row < std::ssize(expected) / vocab; ++row) {
      if (observer_.tied_rows().contains(row)) continue;
      for (std::int64_t column = row * vocab; column < (row + 1) * vocab; ++column)
        difference.add(found[column], expected[column]);
    }
  }

  Transformer& transformer_;
  const Golden& golden_;
  GoldenReport& report_;
  GoldenObserver observer_;
  std::vector<float> logits_;   // [total, vocab]
  std::vector<float> streams_;  // [total, streams, channels]
};

}  // namespace

void Difference::add(float found, float expected) {
  const double difference = std::fabs(static_cast<double>(found) - static_cast<double>(expected));
  if (!std::isfinite(difference)) {
    finite = false;
  } else {
    largest = std::max(largest, difference);
    sum += difference;
  }
  ++values;
}

bool GoldenReport::passed() const {
  return logits.finite && mtp.finite && streams.finite && logits.values > 0 &&
         logits.largest <= tolerance.logits_largest && logits.mean() <= tolerance.logits_mean &&
         mtp.largest <= tolerance.mtp_largest && streams.largest <= tolerance.streams_largest && experts.wrong == 0 &&
         index.wrong == 0;
}

std::string GoldenReport::line() const {
  const auto difference = [](const char* what, const Difference& d) {
    if (d.values == 0) return std::string();
    if (!d.finite) return fmt::format("  {} NOT FINITE", what);
    return fmt::format("  {} max {:.1e} mean {:.1e}", what, d.largest, d.mean());
  };
  const auto sets = [](const char* what, const SetDifference& d) {
    if (d.sets == 0) return std::string();
    return fmt::format("  {} {}/{}", what, d.sets - d.wrong, d.sets) +
           (d.ties > 0 ? fmt::format(" ({} tied)", d.ties) : "");
  };
  return fmt::format("{} {:<28} {} tokens{}{}{}{}{}{}{}", passed() ? "ok  " : "FAIL", name, tokens,
                     difference("logits", logits), difference("mtp", mtp), difference("streams", streams),
                     sets("experts", experts), sets("index", index),
                     tied_rows > 0 ? fmt::format("  {} tied row(s) left out", tied_rows) : "",
                     not_compared.empty() ? "" : fmt::format("  NOT COMPARED: {}", fmt::join(not_compared, ", ")));
}

std::string GoldenReport::json() const {
  const auto difference = [](const Difference& d) {
    return nlohmann::ordered_json{{"max", d.largest}, {"mean", d.mean()}, {"values", d.values}, {"finite", d.finite}};
  };
  const auto sets = [](const SetDifference& d) {
    return nlohmann::ordered_json{{"sets", d.sets}, {"wrong", d.wrong}, {"ties", d.ties}};
  };
  return nlohmann::ordered_json{{"golden", name},
                                {"passed", passed()},
                                {"tokens", tokens},
                                {"logits", difference(logits)},
                                {"mtp_logits", difference(mtp)},
                                {"streams", difference(streams)},
                                {"experts", sets(experts)},
                                {"index_topk", sets(index)},
                                {"tied_rows", tied_rows},
                                {"not_compared", not_compared}}
      .dump();
}

std::vector<std::filesystem::path> find_goldens(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> goldens;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("goldens-") && name.ends_with(".safetensors")) goldens.push_back(entry.path());
  }
  std::sort(goldens.begin(), goldens.end());
  return goldens;
}

CacheStorage storage_of_golden(const std::filesystem::path& golden) {
  return golden.stem().string().starts_with("goldens-released") ? CacheStorage::released : CacheStorage::float32;
}

std::int64_t oracle_run_lengths(std::int64_t start, std::int64_t prompt, std::int64_t /*total*/) {
  return start < prompt ? prompt - start : 1;
}

GoldenReport check_golden(Transformer& transformer, const std::filesystem::path& path, const RunLengths& run_lengths) {
  const Golden golden(path, transformer.config());
  GoldenReport report;
  report.name = path.stem().string();
  report.storage = storage_of_golden(path);
  report.tolerance = report.storage == CacheStorage::released ? kReleased : kSmooth;
  report.tokens = std::ssize(golden.token_ids);
  report.not_compared = golden.not_compared;
  GoldenRun run(transformer, golden, report);
  run.trunk(run_lengths);
  run.mtp();
  return report;
}

}  // namespace fathom
