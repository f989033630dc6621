// What a run leaves to look at: curve.csv and held_out.csv, the same bytes for the same run however often it was
// interrupted; speed.csv, which no two runs have alike; and curves.svg, drawn from them.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/base/curves.h"

namespace fathom::train {

// Means over the steps since the last line.
struct CurvePoint {
  std::int64_t step = 0;  // steps done
  std::string stage;
  std::int64_t targets = 0;  // tokens learned from since the beginning
  double learning_rate = 0.0;
  double loss = 0.0;           // nats a target
  double bits_per_byte = 0.0;  // 0 when unknown
  double mtp = 0.0;
  double balance = 0.0;
  double indexer = 0.0;
  double gradient_norm = 0.0;
  double imbalance = 0.0;  // greatest load of an expert over the mean
};

struct HeldOutPoint {
  std::int64_t step = 0;
  std::string name;
  double loss = 0.0;
  double bits_per_byte = 0.0;
};

struct SpeedPoint {
  std::int64_t step = 0;
  double seconds = 0.0;  // of this line's steps
  double tokens_per_second = 0.0;
};

class RunLog {
 public:
  // The lengths that the files had when the state was written; what stands beyond them happened after it and is cut
  // off.
  struct Lengths {
    std::int64_t curve = 0;
    std::int64_t held_out = 0;
  };

  // Opens the files in `folder`; InputError when one is shorter than its length.
  RunLog(std::filesystem::path folder, const Lengths& lengths);

  void add(const CurvePoint& point);
  void add(const HeldOutPoint& point);
  void add(const SpeedPoint& point);
  // Everything on the disk, and how long the files are.
  Lengths sync();
  // Redraws curves.svg, at most once in `every`.
  void draw(std::string_view title, std::chrono::seconds every);

 private:
  std::filesystem::path folder_;
  std::chrono::steady_clock::time_point drawn_{};
};

// The page that curves.svg shows, from the texts of curve.csv and held_out.csv.
CurvePage curve_page(std::string_view title, const std::string& curve, const std::string& held_out);

}  // namespace fathom::train
