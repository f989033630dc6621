// Curves as one SVG file that any browser shows: panels below each other over one axis, the steps of a run or any
// other.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace fathom {

struct Curve {
  std::string name;
  std::vector<double> x;  // rising
  std::vector<double> y;  // what is not finite, or not positive on a logarithmic axis, is left out
};

struct CurvePanel {
  std::string title;
  std::string unit;  // of y
  bool logarithmic = false;
  std::vector<Curve> curves;
};

// A place on the axis with a name, drawn through all panels (where a stage begins).
struct CurveMark {
  double x = 0.0;
  std::string name;
};

struct CurvePage {
  std::string title;
  bool logarithmic_x = false;  // points at 0 and below are left out
  std::vector<CurvePanel> panels;
  std::vector<CurveMark> marks;
};

std::string curves_svg(const CurvePage& page);

// Round numbers from `least` to `most` for an axis: 1, 2 or 5 times a power of ten apart, about `count` of them; on a
// logarithmic axis powers of ten, with 2 and 5 between them when there is room.
std::vector<double> axis_ticks(double least, double most, int count, bool logarithmic);

}  // namespace fathom
