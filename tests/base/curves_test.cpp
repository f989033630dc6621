#include "fathom/base/curves.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string_view>
#include <vector>

namespace fathom {
namespace {

// Every tag closed by its own name, attributes quoted, no stray < or &.
bool well_formed(std::string_view text) {
  std::vector<std::string_view> open;
  std::size_t place = 0;
  while (place < text.size()) {
    if (text[place] == '&') {
      const std::size_t end = text.find(';', place);
      if (end == std::string_view::npos || end - place > 6) return false;
    }
    if (text[place] != '<') {
      ++place;
      continue;
    }
    const std::size_t end = text.find('>', place);
    if (end == std::string_view::npos) return false;
    const std::string_view tag = text.substr(place + 1, end - place - 1);
    place = end + 1;
    if (tag.find('<') != std::string_view::npos) return false;
    if (tag.starts_with('/')) {
      if (open.empty() || open.back() != tag.substr(1)) return false;
      open.pop_back();
      continue;
    }
    if (std::count(tag.begin(), tag.end(), '"') % 2 != 0) return false;
    if (!tag.ends_with('/')) open.push_back(tag.substr(0, tag.find_first_of(" \n")));
  }
  return open.empty();
}

CurvePage page_of(std::vector<double> y, bool logarithmic) {
  std::vector<double> x;
  for (std::size_t step = 0; step < y.size(); ++step) x.push_back(static_cast<double>(step));
  return {.title = "a < b & \"c\"",
          .panels = {{.title = "loss", .unit = "nats", .logarithmic = logarithmic, .curves = {{"<train>", x, y}}}},
          .marks = {{2.0, "stage & two"}}};
}

TEST(Curves, WellFormedForAnyNumbers) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const bool logarithmic : {false, true}) {
    for (const std::vector<double>& y : std::vector<std::vector<double>>{
             {}, {1.0}, {0.0}, {3.0, 3.0, 3.0}, {nan, 1.0, infinity, 2.0}, {-1.0, 0.0, 1.0}, {1e-12, 1e12}, {nan}}) {
      const std::string svg = curves_svg(page_of(y, logarithmic));
      EXPECT_TRUE(well_formed(svg)) << svg;
      EXPECT_EQ(svg.find("nan"), std::string::npos) << svg;
      EXPECT_EQ(svg.find("inf"), std::string::npos) << svg;
    }
  }
  EXPECT_TRUE(well_formed(curves_svg({.title = "", .panels = {}, .marks = {}})));
}

// Tenfold steps are as wide as each other, and what a logarithm does not have is left out.
TEST(Curves, TheAxisMayBeLogarithmic) {
  const Curve curve{.name = "speed", .x = {0.0, 1.0, 10.0, 100.0}, .y = {5.0, 1.0, 2.0, 3.0}};
  const std::string svg = curves_svg(
      {.title = "", .logarithmic_x = true, .panels = {{.title = "", .unit = "", .curves = {curve}}}, .marks = {}});
  EXPECT_TRUE(well_formed(svg));
  const std::size_t begin = svg.find("points=\"") + 8;
  double x[3];
  double y[3];
  ASSERT_EQ(std::sscanf(svg.c_str() + begin, "%lf,%lf %lf,%lf %lf,%lf \"", &x[0], &y[0], &x[1], &y[1], &x[2], &y[2]),
            6);
  EXPECT_NEAR(x[1] - x[0], x[2] - x[1], 0.02);
}

TEST(Curves, LongCurvesKeepTheirSpikes) {
  std::vector<double> y(100'000, 1.0);
  y[54'321] = 50.0;
  const std::string svg = curves_svg(page_of(y, false));
  EXPECT_LT(svg.size(), 60'000U);
  EXPECT_TRUE(well_formed(svg));
  // The spike is the highest point: its coordinate is the panel's upper edge, a little below the frame.
  const std::string flat = curves_svg(page_of(std::vector<double>(100'000, 1.0), false));
  EXPECT_NE(svg, flat);
  EXPECT_NE(svg.find(">40<"), std::string::npos) << "a tick at 40";
}

TEST(Curves, TicksAreRound) {
  EXPECT_EQ(axis_ticks(0.0, 10.0, 5, false), (std::vector<double>{0.0, 2.0, 4.0, 6.0, 8.0, 10.0}));
  EXPECT_EQ(axis_ticks(-1.0, 1.0, 4, false), (std::vector<double>{-1.0, -0.5, 0.0, 0.5, 1.0}));
  const std::vector<double> decades = axis_ticks(0.9e-4, 1.1, 5, true);
  ASSERT_EQ(decades.size(), 5U);
  EXPECT_NEAR(decades.front(), 1e-4, 1e-12);
  EXPECT_NEAR(decades.back(), 1.0, 1e-12);
  EXPECT_GE(axis_ticks(2.1, 2.9, 5, true).size(), 3U);  // within a decade: even steps
  EXPECT_TRUE(axis_ticks(1.0, 1.0, 5, false).empty());
}

}  // namespace
}  // namespace fathom
