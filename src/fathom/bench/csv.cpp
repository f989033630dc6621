#include "fathom/bench/csv.h"

#include <fmt/format.h>

namespace fathom::bench {
namespace {

// A field that may hold commas and quotes.
std::string csv_field(std::string_view text) {
  std::string field = "\"";
  for (const char character : text) {
    if (character == '"') field += '"';
    field += character;
  }
  return field + '"';
}

class Lines {
 public:
  explicit Lines(const Report& report) : subject_(csv_field(report.subject)), device_(csv_field(report.device)) {
    text_ =
        "model,device,threads,phase,prompt_tokens,depth,batch,stage,seconds_median,seconds_least,seconds_most,"
        "tokens_per_second,bytes,flops,gigabytes_per_second,gigaflops_per_second,read_gigabytes_per_second,"
        "peak_gigaflops_per_second,share_of_bound\n";
  }

  void add(const Measurement& measured, std::string_view stage, const Spread& seconds, const Work& work) {
    const Yardstick& yardstick = measured.machine;
    const auto rate = [&](double amount) { return seconds.median > 0.0 ? amount / seconds.median : 0.0; };
    text_ += fmt::format("{},{},{},{},{},{},{},{},{:.6g},{:.6g},{:.6g},{:.6g},{:.10g},{:.10g},", subject_, device_,
                         measured.threads, name_of(measured.what.phase), measured.what.tokens, measured.what.depth,
                         measured.what.batch, stage, seconds.median, seconds.least, seconds.most,
                         rate(static_cast<double>(measured.tokens())), work.bytes, work.flops);
    text_ += fmt::format("{:.5g},{:.5g},{:.5g},{:.5g},{:.4g}\n", rate(work.bytes) / 1e9, rate(work.flops) / 1e9,
                         yardstick.read_bytes / 1e9, yardstick.flops / 1e9, rate(bound_seconds(work, yardstick)));
  }

  std::string take() && { return std::move(text_); }

 private:
  std::string subject_;
  std::string device_;
  std::string text_;
};

}  // namespace

std::string csv(const Report& report) {
  Lines lines(report);
  for (const Measurement& measured : report.measurements) {
    lines.add(measured, "total", measured.seconds, total(measured.work));
    if (!measured.stages) continue;
    for (std::size_t stage = 0; stage < kStages; ++stage)
      lines.add(measured, name_of(static_cast<Stage>(stage)), measured.stages->stages[stage], measured.work[stage]);
    lines.add(measured, "rest", measured.stages->rest, {});
  }
  return std::move(lines).take();
}

}  // namespace fathom::bench
