#include "fathom/checkpoint/hash_table.h"

#include <gtest/gtest.h>

#include <set>

namespace fathom {
namespace {

TEST(HashTable, EveryTokenHasDifferentExperts) {
  ModelConfig config;
  config.vocab = 200;
  config.experts = 7;
  config.selected_experts = 3;
  const auto table = random_hash_table(config, 5, "layers.0.ffn.gate.tid2eid");
  ASSERT_EQ(table.size(), 600U);
  std::set<std::int64_t> all;
  for (std::size_t token = 0; token < 200; ++token) {
    const std::set<std::int64_t> experts(table.begin() + static_cast<std::ptrdiff_t>(3 * token),
                                         table.begin() + static_cast<std::ptrdiff_t>(3 * token + 3));
    EXPECT_EQ(experts.size(), 3U);
    all.insert(experts.begin(), experts.end());
  }
  EXPECT_EQ(all, (std::set<std::int64_t>{0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(table, random_hash_table(config, 5, "layers.0.ffn.gate.tid2eid"));
  EXPECT_NE(table, random_hash_table(config, 6, "layers.0.ffn.gate.tid2eid"));
  EXPECT_NE(table, random_hash_table(config, 5, "layers.1.ffn.gate.tid2eid"));
}

}  // namespace
}  // namespace fathom
