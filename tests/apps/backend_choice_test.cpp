#include "fathom/apps/backend_choice.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "fathom/backends/cpu/instruction_set.h"
#include "fathom/backends/cuda/cuda_backend.h"

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

TEST(BackendChoice, ExpertsAreMappedWhereWeightsDoNotFit) {
  constexpr std::int64_t kFree = 100;
  BackendChoice choice;
  EXPECT_FALSE(maps_experts(choice, 90, kFree));
  EXPECT_TRUE(maps_experts(choice, 91, kFree));
  EXPECT_FALSE(maps_experts(choice, 91, 0)) << "what is free is not known";
  EXPECT_FALSE(maps_experts(choice, 0, kFree)) << "no checkpoint";
  choice.experts = "packed";
  EXPECT_FALSE(maps_experts(choice, 91, kFree));
  choice.experts = "mapped";
  EXPECT_TRUE(maps_experts(choice, 1, kFree));
  EXPECT_EQ(chosen({"--experts", "mapped"}).experts, "mapped");
  EXPECT_THROW(chosen({"--experts", "streamed"}), CLI::ParseError);
  EXPECT_EQ(make_backend(chosen({"--pin", "--threads", "2"}))->name(), "cpu");
}

TEST(BackendChoice, TheInstructionSetCanBePinned) {
  for (const std::string& name : instruction_sets()) {
    make_backend(chosen({"--cpu-target", name}));
    EXPECT_EQ(instruction_set_in_use(), name);
  }
  ::setenv("FATHOM_CPU_TARGET", "avx9", 1);
  const BackendChoice unknown = chosen({});
  ::unsetenv("FATHOM_CPU_TARGET");
  try {
    make_backend(unknown);
    FAIL() << "avx9 was found";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("avx9, expected"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find(instruction_sets().front()), std::string::npos) << error.what();
  }
  make_backend(chosen({}));
  EXPECT_EQ(instruction_set_in_use(), instruction_sets().front());
}

TEST(BackendChoice, TheDeviceIsTheCpuUnlessAskedFor) {
  EXPECT_EQ(chosen({}).device, "cpu");
  const std::string obstacle = cuda_obstacle({});
  if (obstacle.empty()) {
    EXPECT_EQ(make_backend(chosen({"--device", "auto"}))->name(), "cuda");
    EXPECT_EQ(make_backend(chosen({"--device", "cuda"}))->name(), "cuda");
  } else {
    EXPECT_EQ(make_backend(chosen({"--device", "auto"}))->name(), "cpu");
    try {
      make_backend(chosen({"--device", "cuda"}));
      FAIL() << "a GPU was made";
    } catch (const InputError& error) {
      EXPECT_EQ(error.what(), "[cuda] " + obstacle);
    }
  }
  EXPECT_EQ(make_backend(chosen({"--device", "auto", "--backend", "reference"}))->name(), "reference");
  EXPECT_THROW(make_backend(chosen({"--device", "cuda", "--backend", "reference"})), InputError);
}

TEST(BackendChoice, WhatCannotBeIsBadUsage) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{{"--backend", "gpu"},
                                                                                         {"--device", "gpu"},
                                                                                         {"--backend"},
                                                                                         {"--threads", "-1"},
                                                                                         {"--threads", "1025"},
                                                                                         {"--threads", "two"}})
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
