#include "fathom/bench/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace fathom::bench {
namespace {

// One curve for each batch and number of threads; depth 0 stands at 1, which a logarithmic axis has.
template <typename Figure>
CurvePanel panel(const Report& report, Phase phase, std::string title, std::string unit, const Figure& figure) {
  std::map<std::pair<std::int64_t, int>, std::vector<std::pair<double, double>>> curves;
  for (const Measurement& measured : report.measurements) {
    if (measured.what.phase != phase) continue;
    const std::int64_t place = phase == Phase::prefill ? measured.what.tokens : measured.what.depth;
    curves[{measured.what.batch, measured.threads}].emplace_back(std::max(1.0, static_cast<double>(place)),
                                                                 figure(measured));
  }
  CurvePanel result{.title = std::move(title), .unit = std::move(unit), .logarithmic = false, .curves = {}};
  for (auto& [key, points] : curves) {
    std::sort(points.begin(), points.end());
    Curve curve{.name = phase == Phase::decode ? fmt::format("batch {}", key.first) : "prefill", .x = {}, .y = {}};
    if (key.second > 0) curve.name += fmt::format(", {} thr.", key.second);
    for (const auto& [x, y] : points) {
      curve.x.push_back(x);
      curve.y.push_back(y);
    }
    result.curves.push_back(std::move(curve));
  }
  return result;
}

}  // namespace

CurvePage plot(const Report& report) {
  CurvePage page{.title = fmt::format("{} on {}", report.subject, report.device),
                 .logarithmic_x = true,
                 .panels = {},
                 .marks = {}};
  const auto speed = [](const Measurement& measured) { return measured.tokens_per_second(); };
  const auto share = [](const Measurement& measured) {
    return 100.0 * bound_seconds(total(measured.work), measured.machine) / measured.seconds.median;
  };
  for (const Phase phase : {Phase::prefill, Phase::decode}) {
    const std::string over = phase == Phase::prefill ? " by tokens of the prompt" : " by depth";
    CurvePanel speeds = panel(report, phase, std::string(name_of(phase)) + over, "tokens/s", speed);
    if (speeds.curves.empty()) continue;
    page.panels.push_back(std::move(speeds));
    page.panels.push_back(
        panel(report, phase, fmt::format("{}: share of the machine's bound", name_of(phase)), "percent", share));
  }
  return page;
}

}  // namespace fathom::bench
