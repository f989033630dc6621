#include "fathom/chat/marker_scan.h"

#include <gtest/gtest.h>

#include <array>

namespace fathom {
namespace {

constexpr std::array<std::string_view, 2> kMarkers = {"<ab>", "</a>"};

TEST(MarkerScan, FrontsMatchWhollyPartlyOrNot) {
  EXPECT_EQ(match_front("<ab>x", "<ab>"), MarkerMatch::yes);
  EXPECT_EQ(match_front("<a", "<ab>"), MarkerMatch::partial);
  EXPECT_EQ(match_front("", "<ab>"), MarkerMatch::partial);
  EXPECT_EQ(match_front("<ax", "<ab>"), MarkerMatch::no);
}

TEST(MarkerScan, TheFirstMarkerWins) {
  const MarkerScan scan = find_marker("x<<a</a><ab>", kMarkers);
  EXPECT_EQ(scan.match, MarkerMatch::yes);
  EXPECT_EQ(scan.offset, 4U);
  EXPECT_EQ(scan.marker, "</a>");
}

TEST(MarkerScan, ABeginningCountsOnlyAtTheEnd) {
  EXPECT_EQ(find_marker("x<a y", kMarkers).match, MarkerMatch::no);
  EXPECT_EQ(find_marker("x<a y", kMarkers).offset, 5U);
  const MarkerScan scan = find_marker("x<a<", kMarkers);
  EXPECT_EQ(scan.match, MarkerMatch::partial);
  EXPECT_EQ(scan.offset, 3U);
  EXPECT_EQ(find_marker("", kMarkers).match, MarkerMatch::no);
}

TEST(MarkerScan, Blanks) {
  EXPECT_EQ(skip_blanks(" \t\r\nx"), 4U);
  EXPECT_EQ(skip_blanks("  "), 2U);
  EXPECT_EQ(skip_blanks("a b", 1), 2U);
  EXPECT_EQ(skip_blanks("", 5), 0U);
}

TEST(MarkerScan, CutTagsAreToldFromText) {
  for (const std::string_view text : {"", "<", "</", "</th", "<｜", "</｜", "<b｜"})
    EXPECT_FALSE(is_cut_tag(text)) << text;
  for (const std::string_view text : {"<｜D", "</｜DSML｜invoke", "<｜end"}) EXPECT_TRUE(is_cut_tag(text)) << text;
}

}  // namespace
}  // namespace fathom
