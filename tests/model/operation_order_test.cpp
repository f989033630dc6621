// Runs the list of operations in docs/token_path.md: one CSA block asks for exactly these, in this order.
#include <gtest/gtest.h>

#include <fstream>
#include <regex>

#include "tests/model/model_support.h"

namespace fathom::testing {
namespace {

struct Operation {
  std::string name;
  std::string weight;  // of a linear map, without its layer
};

std::vector<Operation> documented() {
  std::ifstream page(std::string(FATHOM_SOURCE) + "/docs/token_path.md");
  const std::regex item(R"re(^(\d+)\. `(\w+)`(?:,? (\S+))?.*$)re");
  std::vector<Operation> operations;
  for (std::string line; std::getline(page, line);) {
    std::smatch parts;
    if (!std::regex_match(line, parts, item)) continue;
    EXPECT_EQ(std::stoul(parts[1]), operations.size() + 1) << line;
    operations.push_back({parts[2], parts[3]});
  }
  return operations;
}

class OperationOrder : public RecordedModelTest {};

TEST_F(OperationOrder, OfACsaBlockIsTheDocumentedOne) {
  SequenceCache cache = transformer_.make_cache();
  feed(cache, 9);
  const std::size_t first = recorder_.only("linear", "layers.3.hc_attn_fn").index;
  const std::size_t behind = recorder_.only("linear", "hc_head_fn").index;
  std::vector<Call> asked;
  bool inside_experts = false;  // whose parts are the definition's business
  for (std::size_t index = first; index < behind; ++index) {
    const Call& call = recorder_.calls()[index];
    if (call.weight == "layers.3.ffn.shared_experts.w1") inside_experts = false;
    if (!inside_experts) asked.push_back(call);
    if (call.operation == "experts") inside_experts = true;
  }
  const auto expected = documented();
  ASSERT_EQ(asked.size(), expected.size());
  for (std::size_t index = 0; index < asked.size(); ++index) {
    EXPECT_EQ(asked[index].operation, expected[index].name) << "operation " << index + 1;
    if (!asked[index].weight.empty()) {
      EXPECT_EQ(asked[index].weight, "layers.3." + expected[index].weight) << "operation " << index + 1;
    }
    if (asked[index].operation != "rms_norm") continue;
    const auto& weight = asked[index].view("weight").values;
    if (weight.empty()) {
      EXPECT_EQ(expected[index].weight, "without") << "operation " << index + 1;
    } else {
      EXPECT_EQ(weight, model_.checkpoint()->floats("layers.3." + expected[index].weight + ".weight"))
          << "operation " << index + 1;
    }
  }
}

}  // namespace
}  // namespace fathom::testing
