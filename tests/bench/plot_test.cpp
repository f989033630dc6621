#include "fathom/bench/plot.h"

#include <gtest/gtest.h>

#include "tests/bench/report_support.h"

namespace fathom::bench {
namespace {

TEST(Plot, SpeedsAndSharesOverDepthAndPrompt) {
  const CurvePage page = plot(testing::made_up_report());
  ASSERT_EQ(page.panels.size(), 4U);
  const CurvePanel& decode = page.panels[2];
  ASSERT_EQ(decode.curves.size(), 1U);
  EXPECT_EQ(decode.curves[0].name, "batch 2, 2 thr.");
  EXPECT_EQ(decode.curves[0].x, (std::vector<double>{1.0, 1'048'576.0}));
  EXPECT_EQ(decode.curves[0].y, (std::vector<double>{4.0, 4.0}));
  EXPECT_EQ(page.panels[3].curves[0].y, (std::vector<double>{50.0, 50.0}));
  EXPECT_EQ(page.panels[0].curves[0].y, (std::vector<double>{512.0}));
}

TEST(Plot, ItsDrawingHoldsAllOfIt) {
  const std::string svg = curves_svg(plot(testing::made_up_report()));
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
  EXPECT_NE(svg.find("&lt; &amp; &gt;"), std::string::npos);
  EXPECT_NE(svg.find("<polyline"), std::string::npos);
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
}

TEST(Plot, OfNothingHasNoPanels) { EXPECT_TRUE(plot({}).panels.empty()); }

}  // namespace
}  // namespace fathom::bench
