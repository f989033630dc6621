#include "fathom/base/curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

namespace fathom {
namespace {

constexpr double kWidth = 900.0;
constexpr double kPanelHeight = 220.0;
constexpr double kLeft = 70.0;
constexpr double kRight = 150.0;           // names of the curves
constexpr double kTop = 30.0;              // of the page, and of each panel
constexpr double kBottom = 24.0;           // of a panel: numbers of the x axis
constexpr std::size_t kMostPoints = 1500;  // of a curve: more than there are pixels
constexpr std::string_view kColors[] = {"#1b6ca8", "#c8553d", "#2a7f62", "#8d5a97", "#b8860b", "#5c5c5c"};

std::string escaped(std::string_view text) {
  std::string result;
  for (const char character : text) {
    switch (character) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      default:
        if (static_cast<unsigned char>(character) >= 0x20) result += character;
    }
  }
  return result;
}

struct Range {
  double least = std::numeric_limits<double>::infinity();
  double most = -std::numeric_limits<double>::infinity();
  void take(double value) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
  bool empty() const { return least > most; }
};

// A value to a coordinate.
struct Axis {
  double least;
  double most;
  double from;  // coordinate of `least`
  double to;
  bool logarithmic;
  double at(double value) const {
    const auto scaled = [&](double number) { return logarithmic ? std::log10(number) : number; };
    return from + (to - from) * (scaled(value) - scaled(least)) / (scaled(most) - scaled(least));
  }
};

bool drawable(double value, bool logarithmic) { return std::isfinite(value) && (!logarithmic || value > 0.0); }

Axis y_axis(const CurvePanel& panel, double top) {
  Range range;
  for (const Curve& curve : panel.curves)
    for (const double value : curve.y)
      if (drawable(value, panel.logarithmic)) range.take(value);
  if (range.empty()) range = {.least = 0.1, .most = 1.0};
  if (panel.logarithmic) {
    if (range.most < range.least * 1.05) range = {.least = range.least / 1.2, .most = range.most * 1.2};
    return {range.least / 1.03, range.most * 1.03, top + kPanelHeight - kBottom, top + kTop, true};
  }
  const double margin = std::max((range.most - range.least) * 0.04, std::abs(range.most) * 1e-3 + 1e-12);
  return {range.least - margin, range.most + margin, top + kPanelHeight - kBottom, top + kTop, false};
}

// Every point, or of more than kMostPoints the least and greatest of each stretch, so that no spike is lost.
std::vector<std::size_t> points_to_draw(const Curve& curve, const Axis& x, bool logarithmic) {
  std::vector<std::size_t> points;
  for (std::size_t place = 0; place < std::min(curve.x.size(), curve.y.size()); ++place)
    if (drawable(curve.y[place], logarithmic) && drawable(curve.x[place], x.logarithmic)) points.push_back(place);
  if (points.size() <= kMostPoints) return points;
  std::vector<std::size_t> chosen;
  const std::size_t stretch = (2 * points.size() + kMostPoints - 1) / kMostPoints;
  const auto less = [&](std::size_t left, std::size_t right) { return curve.y[left] < curve.y[right]; };
  for (std::size_t first = 0; first < points.size(); first += stretch) {
    const auto begin = points.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = points.begin() + static_cast<std::ptrdiff_t>(std::min(first + stretch, points.size()));
    const auto [least, most] = std::minmax_element(begin, end, less);
    chosen.push_back(std::min(*least, *most));
    if (*least != *most) chosen.push_back(std::max(*least, *most));
  }
  return chosen;
}

void draw_curve(std::string& svg, const Curve& curve, const Axis& x, const Axis& y, std::string_view color) {
  const std::vector<std::size_t> points = points_to_draw(curve, x, y.logarithmic);
  if (points.empty()) return;
  svg += fmt::format(R"(<polyline fill="none" stroke="{}" stroke-width="1.4" stroke-linejoin="round" points=")", color);
  for (const std::size_t place : points)
    svg += fmt::format("{:.2f},{:.2f} ", x.at(curve.x[place]), y.at(curve.y[place]));
  svg += "\"/>\n";
  if (points.size() == 1)
    svg += fmt::format("<circle cx=\"{:.2f}\" cy=\"{:.2f}\" r=\"2.5\" fill=\"{}\"/>\n", x.at(curve.x[points[0]]),
                       y.at(curve.y[points[0]]), color);
}

std::string number(double value) {
  const double size = std::abs(value);
  if (size >= 1e6 && std::fmod(value, 1e5) == 0.0) return fmt::format("{:g}M", value / 1e6);
  if (size != 0.0 && (size < 1e-3 || size >= 1e6)) return fmt::format("{:.0e}", value);
  return fmt::format("{:g}", value);
}

void draw_panel(std::string& svg, const CurvePanel& panel, const CurvePage& page, const Axis& x, double top) {
  const Axis y = y_axis(panel, top);
  svg += fmt::format("<text x=\"{}\" y=\"{:.1f}\" font-weight=\"bold\">{}</text>\n", kLeft, top + kTop - 8,
                     escaped(panel.title + (panel.unit.empty() ? "" : ", " + panel.unit)));
  for (const double tick : axis_ticks(y.least, y.most, 5, panel.logarithmic)) {
    const double place = y.at(tick);
    svg += fmt::format("<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n", x.from, x.to, place,
                       place);
    svg +=
        fmt::format("<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n", kLeft - 6, place + 4, number(tick));
  }
  for (const double tick : axis_ticks(x.least, x.most, 8, x.logarithmic)) {
    const double place = x.at(tick);
    svg += fmt::format("<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{}\" y2=\"{}\"/>\n", place, place, y.to,
                       y.from);
    svg +=
        fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", place, y.from + 16, number(tick));
  }
  for (const CurveMark& mark : page.marks) {
    if (mark.x < x.least || mark.x > x.most) continue;
    const double place = x.at(mark.x);
    svg += fmt::format("<line class=\"mark\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{}\" y2=\"{}\"/>\n", place, place, y.to,
                       y.from);
    svg +=
        fmt::format("<text class=\"mark\" x=\"{:.1f}\" y=\"{}\">{}</text>\n", place + 3, y.to + 11, escaped(mark.name));
  }
  for (std::size_t place = 0; place < panel.curves.size(); ++place) {
    const std::string_view color = kColors[place % std::size(kColors)];
    draw_curve(svg, panel.curves[place], x, y, color);
    const Curve& curve = panel.curves[place];
    const auto last = std::find_if(curve.y.rbegin(), curve.y.rend(), [](double value) { return std::isfinite(value); });
    const std::string label = last == curve.y.rend() ? curve.name : fmt::format("{} {:.4g}", curve.name, *last);
    svg += fmt::format("<text x=\"{}\" y=\"{:.1f}\" fill=\"{}\">{}</text>\n", x.to + 8,
                       y.to + 12 + 16 * static_cast<double>(place), color, escaped(label));
  }
  svg += fmt::format("<rect class=\"frame\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>\n", x.from, y.to,
                     x.to - x.from, y.from - y.to);
}

std::vector<double> logarithmic_ticks(double least, double most) {
  const double decades = std::log10(most / least);
  const std::vector<double> factors = decades > 3.0 ? std::vector<double>{1.0} : std::vector<double>{1.0, 2.0, 5.0};
  std::vector<double> ticks;
  const int skip = std::max(1, static_cast<int>(decades / 8.0));
  for (int power = static_cast<int>(std::floor(std::log10(least))); std::pow(10.0, power) <= most; power += skip)
    for (const double factor : factors) {
      const double tick = factor * std::pow(10.0, power);
      if (tick >= least && tick <= most) ticks.push_back(tick);
    }
  return ticks;
}

}  // namespace

std::vector<double> axis_ticks(double least, double most, int count, bool logarithmic) {
  if (!(most > least) || (logarithmic && !(least > 0.0))) return {};
  if (logarithmic) {
    std::vector<double> ticks = logarithmic_ticks(least, most);
    if (ticks.size() >= 3) return ticks;  // else less than a decade: even numbers read better
  }
  const double raw = (most - least) / count;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  double apart = 10.0 * power;
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= raw) {
      apart = factor * power;
      break;
    }
  std::vector<double> ticks;
  for (double step = std::ceil(least / apart - 1e-9); step * apart <= most + 1e-9 * apart; step += 1.0)
    ticks.push_back(step * apart + 0.0);
  return ticks;
}

std::string curves_svg(const CurvePage& page) {
  const double height = kTop + kPanelHeight * static_cast<double>(page.panels.size()) + 10.0;
  Range steps;
  for (const CurvePanel& panel : page.panels)
    for (const Curve& curve : panel.curves)
      for (const double step : curve.x)
        if (drawable(step, page.logarithmic_x)) steps.take(step);
  if (steps.empty()) steps = {.least = 1.0, .most = 2.0};
  if (steps.most <= steps.least) steps.most = steps.least + 1.0;
  const Axis x{steps.least, steps.most, kLeft, kWidth - kRight, page.logarithmic_x};
  std::string svg = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{1}" viewBox="0 0 {0} {1}" font-family="sans-serif" font-size="12">
<style>.grid{{stroke:#e4e4e4}} .frame{{fill:none;stroke:#888}} line.mark{{stroke:#888;stroke-dasharray:4 3}} text.mark{{fill:#666;font-size:10px}}</style>
<rect width="100%" height="100%" fill="white"/>
<text x="{2}" y="20" font-size="15">{3}</text>
)",
      kWidth, height, kLeft, escaped(page.title));
  for (std::size_t place = 0; place < page.panels.size(); ++place)
    draw_panel(svg, page.panels[place], page, x, kTop + kPanelHeight * static_cast<double>(place));
  return svg + "</svg>\n";
}

}  // namespace fathom
