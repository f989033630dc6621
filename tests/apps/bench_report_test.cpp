#include "fathom/apps/bench_report.h"

#include <gtest/gtest.h>

#include "tests/bench/report_support.h"

namespace fathom {
namespace {

std::string text_of(const Table& table, std::string_view row, std::string_view column) {
  for (std::size_t place = 0; place < table.columns.size(); ++place)
    if (table.columns[place] == column)
      for (const std::vector<Cell>& cells : table.rows)
        if (to_text(cells[0]) == row) return to_text(cells[place]);
  return "nothing";
}

TEST(BenchReport, RatesAreOfTheWorkAndTheMachine) {
  const bench::Report report = testing::made_up_report();
  const std::vector<Table> tables = bench_tables(report.measurements);
  ASSERT_EQ(tables.size(), 2U);
  const Table& all = tables[0];
  ASSERT_EQ(all.rows.size(), 3U);
  for (const Table& table : tables)
    for (const std::vector<Cell>& row : table.rows) ASSERT_EQ(row.size(), table.columns.size());
  // 5 GB and 10 GFLOP in half a second, where 20 GB/s and 60 GFLOP/s are possible.
  EXPECT_EQ(text_of(all, "decode at 0, batch 2", "tokens/s"), "4.00");
  EXPECT_EQ(text_of(all, "decode at 0, batch 2", "GB/s"), "10.0");
  EXPECT_EQ(text_of(all, "decode at 0, batch 2", "% of read"), "50.0");
  EXPECT_EQ(text_of(all, "decode at 0, batch 2", "% of peak"), "33.3");
  EXPECT_EQ(text_of(all, "decode at 0, batch 2", "% of bound"), "50.0");
  EXPECT_EQ(text_of(all, "prefill 256", "tokens/s"), "512.00");
  EXPECT_EQ(text_of(tables[1], "experts", "ms"), "400.000");
  EXPECT_EQ(text_of(tables[1], "experts", "GB/s"), "10.0");
  EXPECT_EQ(text_of(tables[1], "embed", "ms"), "nothing");
  EXPECT_EQ(text_of(tables[1], "rest", "GB/s"), "-");
  EXPECT_EQ(text_of(tables[1], "sum", "% of time"), "100.0");
}

TEST(BenchReport, WhatIsNotKnownOfTheMachineIsNotSaid) {
  std::vector<bench::Measurement> measurements = testing::made_up_report().measurements;
  measurements[1].machine.read_bytes = 18e9;
  EXPECT_EQ(machine_line(measurements), "memory is read at 18.0 to 20.0 GB/s, 60.0 to 60.0 GFLOP/s of multiply-adds");
  for (bench::Measurement& measured : measurements) measured.machine.flops = 0.0;
  EXPECT_EQ(machine_line(measurements), "memory is read at 18.0 to 20.0 GB/s");
  EXPECT_EQ(text_of(bench_tables(measurements)[0], "prefill 256", "% of peak"), "-");
}

TEST(BenchReport, ExpertsThatCameOverTheBusAreSaidWhereThereAreAny) {
  std::vector<BackendFigure> figures = {{.name = "experts_on_host", .value = 12},
                                        {.name = "expert_swaps", .value = 3},
                                        {.name = "experts_chosen", .value = 200},
                                        {.name = "experts_chosen_on_host", .value = 25},
                                        {.name = "experts_lent", .value = 2}};
  EXPECT_EQ(bus_line(figures),
            "12 experts lie in this machine's memory; 12.5 % of those chosen came over the bus (25 of 200), 3 changed "
            "places, 2 have a copy in memory that caches do not want yet");
  figures[2].value = figures[3].value = 0;  // nobody has looked yet
  EXPECT_NE(bus_line(figures).find("0.0 % of those chosen"), std::string::npos);
  figures[0].value = 0;
  EXPECT_EQ(bus_line(figures), "");
  EXPECT_EQ(bus_line({}), "");
}

}  // namespace
}  // namespace fathom
