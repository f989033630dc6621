#include "fathom/apps/bench_report.h"

#include <fmt/format.h>

namespace fathom {
namespace {

using bench::Measurement;
using bench::Work;
using bench::Yardstick;

std::string name_of(const Measurement& measured) {
  const bench::Case& what = measured.what;
  if (what.phase == bench::Phase::prefill) return fmt::format("prefill {}", what.tokens);
  return fmt::format("decode at {}, batch {}", what.depth, what.batch);
}

// A rate, and beside it the percentage of what the machine can do; "-" for what is not there or not known.
Cell rate(double amount, double seconds) {
  if (amount <= 0.0 || seconds <= 0.0) return "-";
  return Number{amount / seconds / 1e9, 1};
}

Cell percent(double part, double whole) {
  if (part <= 0.0 || whole <= 0.0) return "-";
  return Number{100.0 * part / whole, 1};
}

std::vector<Cell> rates(const Work& work, double seconds, const Yardstick& yardstick) {
  return {rate(work.bytes, seconds), percent(work.bytes, seconds * yardstick.read_bytes), rate(work.flops, seconds),
          percent(work.flops, seconds * yardstick.flops), percent(bound_seconds(work, yardstick), seconds)};
}

void append(std::vector<Cell>& row, const std::vector<Cell>& cells) {
  row.insert(row.end(), cells.begin(), cells.end());
}

const std::vector<std::string> kRates = {"GB/s", "% of read", "GFLOP/s", "% of peak", "% of bound"};

Table stage_table(const Measurement& measured) {
  Table table{.title = fmt::format("{}, by stage, medians", name_of(measured)),
              .columns = {"stage", "ms", "% of time", "MB", "MFLOP"},
              .rows = {}};
  table.columns.insert(table.columns.end(), kRates.begin(), kRates.end());
  double all = measured.stages->rest.median;
  for (const bench::Spread& stage : measured.stages->stages) all += stage.median;
  const auto add = [&](std::string name, double seconds, const Work& work) {
    std::vector<Cell> row = {std::move(name), Number{1e3 * seconds, 3}, Number{100.0 * seconds / all, 1},
                             Number{work.bytes / 1e6, 2}, Number{work.flops / 1e6, 1}};
    append(row, rates(work, seconds, measured.machine));
    table.rows.push_back(std::move(row));
  };
  for (std::size_t stage = 0; stage < bench::kStages; ++stage) {
    const double seconds = measured.stages->stages[stage].median;
    if (seconds > 0.0 || measured.work[stage].bytes > 0.0)
      add(std::string(bench::name_of(static_cast<bench::Stage>(stage))), seconds, measured.work[stage]);
  }
  add("rest", measured.stages->rest.median, {});
  add("sum", all, bench::total(measured.work));
  return table;
}

}  // namespace

std::string machine_line(std::span<const Measurement> measurements) {
  const auto range = [&](double Yardstick::*figure) {
    std::vector<double> values;
    for (const Measurement& measured : measurements) values.push_back(measured.machine.*figure / 1e9);
    return bench::spread_of(values);
  };
  const bench::Spread read = range(&Yardstick::read_bytes);
  const bench::Spread flops = range(&Yardstick::flops);
  std::string line = fmt::format("memory is read at {:.1f} to {:.1f} GB/s", read.least, read.most);
  if (flops.most > 0.0) line += fmt::format(", {:.1f} to {:.1f} GFLOP/s of multiply-adds", flops.least, flops.most);
  return line;
}

std::vector<Table> bench_tables(std::span<const Measurement> measurements) {
  Table table{.title = "", .columns = {"", "tokens/s", "ms", "least", "most"}, .rows = {}};
  table.columns.insert(table.columns.end(), kRates.begin(), kRates.end());
  std::vector<Table> tables;
  for (const Measurement& measured : measurements) {
    table.title = measured.threads > 0 ? fmt::format("{} threads", measured.threads) : "on the device";
    std::vector<Cell> row = {name_of(measured), Number{measured.tokens_per_second(), 2},
                             Number{1e3 * measured.seconds.median, 2}, Number{1e3 * measured.seconds.least, 2},
                             Number{1e3 * measured.seconds.most, 2}};
    append(row, rates(bench::total(measured.work), measured.seconds.median, measured.machine));
    table.rows.push_back(std::move(row));
    if (measured.stages) tables.push_back(stage_table(measured));
  }
  tables.insert(tables.begin(), std::move(table));
  return tables;
}

std::string bus_line(std::span<const BackendFigure> figures) {
  const auto of = [&](std::string_view name) {
    for (const BackendFigure& figure : figures)
      if (figure.name == name) return figure.value;
    return 0.0;
  };
  if (of("experts_on_host") == 0.0) return "";
  const double chosen = of("experts_chosen");
  return fmt::format(
      "{:.0f} experts lie in this machine's memory; {:.1f} % of those chosen came over the bus ({:.0f} of {:.0f}), "
      "{:.0f} changed places, {:.0f} have a copy in memory that caches do not want yet",
      of("experts_on_host"), chosen > 0.0 ? 100.0 * of("experts_chosen_on_host") / chosen : 0.0,
      of("experts_chosen_on_host"), chosen, of("expert_swaps"), of("experts_lent"));
}

}  // namespace fathom
