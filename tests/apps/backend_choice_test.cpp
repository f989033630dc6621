#include "fathom/apps/backend_choice.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

namespace fathom::testing {
namespace {

BackendChoice chosen(std::vector<std::string> arguments) {
  CLI::App command;
  BackendChoice choice;
  add_backend_options(command, choice);
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes a vector
  command.parse(arguments);
  return choice;
}

TEST(BackendChoice, TheDefaultIsTheCpuOnAllCores) {
  const BackendChoice choice = chosen({});
  EXPECT_EQ(choice.name, "cpu");
  EXPECT_EQ(choice.threads, 0);
  EXPECT_EQ(make_backend(choice)->name(), "cpu");
}

TEST(BackendChoice, FlagsChoose) {
  EXPECT_EQ(make_backend(chosen({"--backend", "reference"}))->name(), "reference");
  EXPECT_EQ(chosen({"--threads", "3"}).threads, 3);
  EXPECT_EQ(make_backend(chosen({"--threads", "1"}))->name(), "cpu");
}

TEST(BackendChoice, WhatCannotBeIsBadUsage) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"--backend", "gpu"}, {"--backend"}, {"--threads", "-1"}, {"--threads", "1025"}, {"--threads", "two"}})
    EXPECT_THROW(chosen(arguments), CLI::ParseError) << arguments.front();
}

TEST(BackendChoice, TheEnvironmentChoosesWhereNoFlagDoes) {
  ::setenv("FATHOM_BACKEND", "reference", 1);
  ::setenv("FATHOM_THREADS", "5", 1);
  const BackendChoice from_environment = chosen({});
  const BackendChoice from_flags = chosen({"--threads", "2", "--backend", "cpu"});
  ::unsetenv("FATHOM_BACKEND");
  ::unsetenv("FATHOM_THREADS");
  EXPECT_EQ(from_environment.name, "reference");
  EXPECT_EQ(from_environment.threads, 5);
  EXPECT_EQ(from_flags.name, "cpu");
  EXPECT_EQ(from_flags.threads, 2);
}

}  // namespace
}  // namespace fathom::testing
