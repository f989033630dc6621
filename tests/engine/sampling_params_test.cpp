#include "fathom/engine/sampling_params.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "fathom/base/error.h"

namespace fathom {
namespace {

std::string error_of(const std::function<void(SamplingParams&)>& change) {
  SamplingParams params;
  change(params);
  try {
    params.validate();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

void expect_names(const std::string& error, const std::string& field, const std::string& value) {
  EXPECT_NE(error.find(field), std::string::npos) << "\"" << error << "\" names " << field;
  EXPECT_NE(error.find(value), std::string::npos) << "\"" << error << "\" names " << value;
}

TEST(SamplingParams, TheDefaultsAndTheEdgesAreValid) {
  EXPECT_EQ(error_of([](SamplingParams&) {}), "");
  for (const double temperature : {0.0, 1e-300, 100.0})
    EXPECT_EQ(error_of([&](SamplingParams& params) { params.temperature = temperature; }), "");
  for (const double share : {0.0, 1.0}) {
    EXPECT_EQ(error_of([&](SamplingParams& params) { params.top_p = share; }), "");
    EXPECT_EQ(error_of([&](SamplingParams& params) { params.min_p = share; }), "");
  }
  EXPECT_EQ(error_of([](SamplingParams& params) { params.top_k = std::numeric_limits<std::int64_t>::max(); }), "");
  EXPECT_EQ(error_of([](SamplingParams& params) { params.top_logprobs = 0; }), "");
  EXPECT_EQ(error_of([](SamplingParams& params) { params.max_tokens = 1; }), "");
}

TEST(SamplingParams, EveryFieldsErrorNamesFieldAndValue) {
  expect_names(error_of([](SamplingParams& params) { params.temperature = -0.5; }), "temperature", "-0.5");
  expect_names(error_of([](SamplingParams& params) { params.temperature = 100.5; }), "temperature", "100.5");
  expect_names(error_of([](SamplingParams& params) { params.top_p = 1.25; }), "top_p", "1.25");
  expect_names(error_of([](SamplingParams& params) { params.top_p = -0.25; }), "top_p", "-0.25");
  expect_names(error_of([](SamplingParams& params) { params.min_p = 2.0; }), "min_p", "2");
  expect_names(error_of([](SamplingParams& params) { params.top_k = -3; }), "top_k", "-3");
  expect_names(error_of([](SamplingParams& params) { params.max_tokens = 0; }), "max_tokens", "0");
  expect_names(error_of([](SamplingParams& params) { params.top_logprobs = -2; }), "top_logprobs", "-2");
}

TEST(SamplingParams, NotANumberIsInvalid) {
  const double nan = std::nan("");
  expect_names(error_of([&](SamplingParams& params) { params.temperature = nan; }), "temperature", "nan");
  expect_names(error_of([&](SamplingParams& params) { params.top_p = nan; }), "top_p", "nan");
  expect_names(error_of([&](SamplingParams& params) { params.min_p = nan; }), "min_p", "nan");
  expect_names(error_of([](SamplingParams& params) { params.temperature = std::numeric_limits<double>::infinity(); }),
               "temperature", "inf");
}

}  // namespace
}  // namespace fathom
