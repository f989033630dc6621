// Holds the weights of docs/notation.md to the table of tensors: every name and shape of the page is the code's, and
// every kind of tensor is on the page.
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "fathom/spec/tensor_table.h"
#include "tests/apps/model_copy_support.h"

namespace fathom::testing {
namespace {

// "layers.12.ffn.experts.7.w1" -> "layers.N.ffn.experts.E.w1"
std::string general(const std::string& name) {
  const std::string layers = std::regex_replace(name, std::regex(R"(layers\.\d+)"), "layers.N");
  return std::regex_replace(layers, std::regex(R"(experts\.\d+)"), "experts.E");
}

// A shape in the page's words, for one layer's kind: "[2 * index_dim, channels]".
std::vector<std::int64_t> evaluated(const std::string& shape, const std::map<std::string, std::int64_t>& words) {
  std::vector<std::int64_t> result;
  std::istringstream parts(shape);
  for (std::string part; std::getline(parts, part, ',');) {
    std::istringstream terms(part);
    std::int64_t product = 1;
    char operation = '*';
    for (std::string term; terms >> term;) {
      if (term == "*" || term == "/") {
        operation = term[0];
        continue;
      }
      std::int64_t value = 0;
      if (term == "(2") {  // "(2 + streams)"
        terms >> term >> term;
        value = 2 + words.at(term.substr(0, term.size() - 1));
      } else {
        value = std::isdigit(static_cast<unsigned char>(term[0])) != 0 ? std::stoll(term) : words.at(term);
      }
      product = operation == '/' ? product / value : product * value;
    }
    result.push_back(product);
  }
  return result;
}

// Name in general form -> shape in words, from the page's rows.
std::map<std::string, std::string> page_weights() {
  std::istringstream page(text_of(std::filesystem::path(FATHOM_SOURCE) / "docs" / "notation.md"));
  const std::regex row(R"re(^\|[^|]*\| `\w+::[^`]+` \| `([^`]+)` \| \[([^\]]+)\].*\|$)re");
  std::map<std::string, std::string> weights;
  for (std::string line; std::getline(page, line);) {
    std::smatch parts;
    if (!std::regex_match(line, parts, row)) continue;
    std::string name = parts[1];
    if (name == "embed.weight" || name == "head.weight") name = name.substr(0, name.find('.'));
    weights[name] = parts[2];
  }
  return weights;
}

TEST(Notation, NamesAndShapesAreTheTensorTables) {
  const ModelConfig config = preset_model_config("deepseek-v4-flash");
  const auto page = page_weights();
  ASSERT_GT(page.size(), 40U);
  std::set<std::string> seen;
  for (const TensorSpec& spec : tensor_table(config)) {
    const std::string name = general(spec.name);
    const bool of_mtp_block = spec.in_mtp && !page.contains(name);  // a block's other weights, told in words
    if (of_mtp_block) continue;
    ASSERT_TRUE(page.contains(name)) << name << " is not on the page";
    seen.insert(name);
    std::int64_t ratio = 0;
    if (std::smatch parts; std::regex_search(spec.name, parts, std::regex(R"(layers\.(\d+))")))
      ratio = config.ratio(std::stoll(parts[1]));
    const std::map<std::string, std::int64_t> words{{"vocab", config.vocab},
                                                    {"channels", config.channels},
                                                    {"streams", config.streams},
                                                    {"heads", config.heads},
                                                    {"head_dim", config.head_dim},
                                                    {"query_latent", config.query_latent},
                                                    {"latent", config.output_latent},
                                                    {"groups", config.output_groups},
                                                    {"experts", config.experts},
                                                    {"selected", config.selected_experts},
                                                    {"expert_dim", config.expert_dim},
                                                    {"index_heads", config.index_heads},
                                                    {"index_dim", config.index_dim},
                                                    {"ratio", ratio},
                                                    {"columns", (ratio == kCsaRatio ? 2 : 1) * config.head_dim}};
    EXPECT_EQ(evaluated(page.at(name), words), spec.shape) << spec.name;
  }
  for (const auto& [name, shape] : page) EXPECT_TRUE(seen.contains(name)) << name << " is in no checkpoint";
}

}  // namespace
}  // namespace fathom::testing
