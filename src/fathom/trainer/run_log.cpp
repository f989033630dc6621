#include "fathom/trainer/run_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>

#include "fathom/base/error.h"
#include "fathom/base/output_file.h"

namespace fathom::train {
namespace {

constexpr std::string_view kCurve = "curve.csv";
constexpr std::string_view kHeldOut = "held_out.csv";
constexpr std::string_view kSpeed = "speed.csv";
constexpr std::string_view kCurveHead =
    "step,stage,targets,learning_rate,loss,bits_per_byte,mtp,balance,indexer,gradient_norm,imbalance\n";
constexpr std::string_view kHeldOutHead = "step,name,loss,bits_per_byte\n";
constexpr std::string_view kSpeedHead = "step,seconds,tokens_per_second\n";

// Commas and line ends would break a row.
std::string field(std::string_view text) {
  std::string result(text);
  for (char& character : result)
    if (character == ',' || character == '\n' || character == '"') character = ' ';
  return result;
}

// A file open for appending, for one write or one sync.
class AppendedFile {
 public:
  explicit AppendedFile(const std::filesystem::path& path) : path_(path) {
    descriptor_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor_ < 0) refuse("open");
  }
  ~AppendedFile() { ::close(descriptor_); }
  AppendedFile(const AppendedFile&) = delete;
  AppendedFile& operator=(const AppendedFile&) = delete;

  void write(std::string_view text) {
    if (::write(descriptor_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) refuse("write");
  }
  void cut(std::int64_t length) {
    if (::ftruncate(descriptor_, length) != 0) refuse("shorten");
  }
  std::int64_t sync() {
    if (::fsync(descriptor_) != 0) refuse("write");
    return ::lseek(descriptor_, 0, SEEK_END);
  }
  std::int64_t length() { return ::lseek(descriptor_, 0, SEEK_END); }

 private:
  [[noreturn]] void refuse(const char* what) const {
    throw InputError("[log] cannot {} {}: {}", what, path_.string(), std::strerror(errno));
  }
  std::filesystem::path path_;
  int descriptor_ = -1;
};

void open_at(const std::filesystem::path& path, std::int64_t length, std::string_view head) {
  AppendedFile file(path);
  if (file.length() < length)
    throw InputError("[log] {} has {} bytes, expected at least the {} of the state", path.string(), file.length(),
                     length);
  file.cut(length);
  if (length == 0) file.write(head);
}

std::string read_all(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

// A CSV's columns by name; rows with too few fields (being written) are left out.
struct Columns {
  std::map<std::string, std::vector<std::string>, std::less<>> values;

  explicit Columns(const std::string& text) {
    std::istringstream lines(text);
    std::string line;
    std::vector<std::string> names;
    while (std::getline(lines, line)) {
      std::vector<std::string> fields;
      std::istringstream row(line);
      for (std::string one; std::getline(row, one, ',');) fields.push_back(one);
      if (names.empty()) {
        names = fields;
      } else if (fields.size() == names.size()) {
        for (std::size_t place = 0; place < names.size(); ++place) values[names[place]].push_back(fields[place]);
      }
    }
  }
  std::vector<double> numbers(std::string_view name) const {
    std::vector<double> result;
    const auto found = values.find(name);
    if (found == values.end()) return result;
    for (const std::string& text : found->second) result.push_back(std::strtod(text.c_str(), nullptr));
    return result;
  }
  const std::vector<std::string>& texts(std::string_view name) const {
    static const std::vector<std::string> none;
    const auto found = values.find(name);
    return found == values.end() ? none : found->second;
  }
};

}  // namespace

RunLog::RunLog(std::filesystem::path folder, const Lengths& lengths) : folder_(std::move(folder)) {
  std::filesystem::create_directories(folder_);
  open_at(folder_ / kCurve, lengths.curve, kCurveHead);
  open_at(folder_ / kHeldOut, lengths.held_out, kHeldOutHead);
  if (lengths.curve == 0) {
    open_at(folder_ / kSpeed, 0, kSpeedHead);
  } else if (!std::filesystem::exists(folder_ / kSpeed)) {
    AppendedFile(folder_ / kSpeed).write(kSpeedHead);
  }
}

void RunLog::add(const CurvePoint& point) {
  AppendedFile(folder_ / kCurve)
      .write(fmt::format("{},{},{},{:.9g},{:.9g},{:.9g},{:.9g},{:.9g},{:.9g},{:.9g},{:.9g}\n", point.step,
                         field(point.stage), point.targets, point.learning_rate, point.loss, point.bits_per_byte,
                         point.mtp, point.balance, point.indexer, point.gradient_norm, point.imbalance));
}

void RunLog::add(const HeldOutPoint& point) {
  AppendedFile(folder_ / kHeldOut)
      .write(fmt::format("{},{},{:.9g},{:.9g}\n", point.step, field(point.name), point.loss, point.bits_per_byte));
}

void RunLog::add(const SpeedPoint& point) {
  AppendedFile(folder_ / kSpeed)
      .write(fmt::format("{},{:.3f},{:.1f}\n", point.step, point.seconds, point.tokens_per_second));
}

RunLog::Lengths RunLog::sync() {
  return {.curve = AppendedFile(folder_ / kCurve).sync(), .held_out = AppendedFile(folder_ / kHeldOut).sync()};
}

void RunLog::draw(std::string_view title, std::chrono::seconds every) {
  const auto now = std::chrono::steady_clock::now();
  if (drawn_.time_since_epoch().count() != 0 && now - drawn_ < every) return;
  drawn_ = now;
  OutputFile file(folder_ / "curves.svg");
  file.write(curves_svg(curve_page(title, read_all(folder_ / kCurve), read_all(folder_ / kHeldOut))));
  file.close();
  file.publish();
}

CurvePage curve_page(std::string_view title, const std::string& curve, const std::string& held_out) {
  const Columns columns(curve);
  const Columns held(held_out);
  const std::vector<double> steps = columns.numbers("step");
  const auto panel = [&](const char* name, const char* unit, bool logarithmic,
                         std::initializer_list<const char*> names) {
    CurvePanel result{.title = name, .unit = unit, .logarithmic = logarithmic, .curves = {}};
    for (const char* column : names) {
      Curve one{.name = column, .x = steps, .y = columns.numbers(column)};
      bool any = false;
      for (const double value : one.y) any = any || value != 0.0;
      if (any) result.curves.push_back(std::move(one));
    }
    return result;
  };
  CurvePage page{.title = std::string(title), .panels = {}, .marks = {}};
  page.panels.push_back(panel("loss", "nats a token", true, {"loss", "mtp"}));
  std::map<std::string, Curve> by_name;
  const std::vector<double> held_steps = held.numbers("step");
  const std::vector<double> held_losses = held.numbers("loss");
  for (std::size_t place = 0; place < held_steps.size(); ++place) {
    Curve& one = by_name[held.texts("name")[place]];
    one.x.push_back(held_steps[place]);
    one.y.push_back(held_losses[place]);
  }
  for (auto& [name, one] : by_name) {
    one.name = name;
    page.panels.front().curves.push_back(std::move(one));
  }
  page.panels.push_back(panel("learning rate", "", false, {"learning_rate"}));
  page.panels.push_back(panel("gradient norm before clipping", "", true, {"gradient_norm"}));
  page.panels.push_back(panel("expert load: most over mean", "", false, {"imbalance"}));
  CurvePanel indexer = panel("indexer's loss", "nats", true, {"indexer"});
  if (!indexer.curves.empty()) page.panels.push_back(std::move(indexer));
  const std::vector<std::string>& stages = columns.texts("stage");
  for (std::size_t place = 1; place < stages.size(); ++place)
    if (stages[place] != stages[place - 1]) page.marks.push_back({.x = steps[place], .name = stages[place]});
  return page;
}

}  // namespace fathom::train
