#include "fathom/apps/golden_observer.h"

#include <algorithm>
#include <cmath>

#include "fathom/apps/golden_check.h"
#include "fathom/ops/downloaded.h"

namespace fathom {
namespace {

constexpr double kTie = 1e-6;  // the oracle's own bound: closer scores may go either way

template <typename T>
std::vector<T> sized(std::vector<T> values, std::int64_t expected, const std::filesystem::path& path,
                     std::string_view name) {
  if (std::ssize(values) != expected)
    throw InputError("[golden] {}: {} has {} values, this checkpoint makes it {}", path.string(), name, values.size(),
                     expected);
  return values;
}

// Ids steer memory accesses: none is believed that is not below `count(position)`, for row `position` of `width` ids.
template <typename Count>
std::vector<std::int32_t> existing(std::vector<std::int32_t> ids, std::int64_t width, std::int32_t lowest,
                                   const Count& count, const std::filesystem::path& path, std::string_view name) {
  for (std::int64_t element = 0; element < std::ssize(ids); ++element) {
    const std::int64_t position = element / width;
    const std::int32_t id = ids[static_cast<std::size_t>(element)];
    if (id < lowest || id >= count(position))
      throw InputError("[golden] {}: {} names {} at position {}, expected {} to {}", path.string(), name, id, position,
                       lowest, count(position) - 1);
  }
  return ids;
}

// The score the router ranks by; `logit` and `bias` are the expert's.
double biased_score(double logit, double bias) {
  return std::sqrt(logit > 20.0 ? logit : std::log1p(std::exp(logit))) + bias;
}

// The score the indexer ranks by, with the report's scale of the weights. `q` and `weights` are the query's.
double index_score(Backend& backend, const IndexTopKArgs& index, std::span<const float> q,
                   std::span<const float> weights, std::int32_t entry) {
  const auto index_dim = static_cast<std::size_t>(index.format.index_dim);
  std::vector<std::byte> row(static_cast<std::size_t>(index.format.row_bytes()));
  backend.download(index.keys[0].row(entry), row);
  std::vector<float> key(index_dim);
  decode_index_key(index.format, row, key);
  double score = 0.0;
  for (std::size_t head = 0; head < weights.size(); ++head) {
    double product = 0.0;
    for (std::size_t column = 0; column < index_dim; ++column)
      product += static_cast<double>(q[head * index_dim + column]) * static_cast<double>(key[column]);
    score += static_cast<double>(weights[head]) * std::max(product, 0.0);
  }
  return score / std::sqrt(static_cast<double>(index_dim * weights.size()));
}

// Row `row` of rows laid end to end.
template <typename T>
std::span<const T> row_of(const std::vector<T>& rows, std::int64_t row, std::int64_t width) {
  return std::span(rows).subspan(static_cast<std::size_t>(row * width), static_cast<std::size_t>(width));
}

}  // namespace

Golden::Golden(const std::filesystem::path& path, const ModelConfig& config) {
  const SafetensorsFile file(path);
  std::set<std::string, std::less<>> taken;
  const auto has = [&](const std::string& name) {
    if (file.find(name) == nullptr) return false;
    taken.insert(name);
    return true;
  };
  taken.insert({"token_ids", "prompt_length", "logits"});
  token_ids = file.integers("token_ids");
  const auto total = std::ssize(token_ids);
  prompt = sized(file.integers("prompt_length"), 1, path, "prompt_length").front();
  if (prompt < 1 || prompt > total)
    throw InputError("[golden] {}: prompt_length is {}, there are {} tokens", path.string(), prompt, total);
  logits = sized(file.floats("logits"), total * config.vocab, path, "logits");
  if (config.mtp_layers > 0 && has("mtp_logits"))
    mtp_logits = sized(file.floats("mtp_logits"), (total - 1) * config.vocab, path, "mtp_logits");
  if (has("probe_positions")) probe_positions = file.integers("probe_positions");
  for (const std::int32_t position : probe_positions)
    if (position < 0 || position >= total)
      throw InputError("[golden] {}: probe_positions holds {}, expected 0 to {}", path.string(), position, total - 1);
  for (std::int64_t block = 0; block < config.layers; ++block) {
    const std::string prefix = fmt::format("layers.{}.", block);
    if (const std::string name = prefix + "streams"; has(name))
      streams[block] =
          sized(file.floats(name), std::ssize(probe_positions) * config.streams * config.channels, path, name);
    if (const std::string name = prefix + "experts"; has(name))
      experts[block] = existing(
          sized(file.integers(name), prompt * config.selected_experts, path, name), config.selected_experts, 0,
          [&](std::int64_t) { return config.experts; }, path, name);
    const bool indexed = config.attention_kind(block) == AttentionKind::csa;
    if (const std::string name = prefix + "index_topk"; indexed && has(name)) {
      const std::vector<std::int32_t> ids = file.integers(name);
      if (std::ssize(ids) % prompt != 0)
        throw InputError("[golden] {}: {} has {} values for {} prompt tokens", path.string(), name, ids.size(), prompt);
      const std::int64_t ratio = config.ratio(block);
      const auto visible = [&](std::int64_t position) { return (position + 1) / ratio; };
      index[block] = existing(ids, std::ssize(ids) / prompt, -1, visible, path, name);  // -1: fewer were chosen
    }
  }
  for (const SafetensorsTensor& tensor : file.tensors())
    if (!taken.contains(tensor.name)) not_compared.emplace_back(tensor.name);
}

template <typename Score>
void GoldenObserver::compare_sets(std::span<const std::int32_t> found, std::span<const std::int32_t> expected,
                                  std::int64_t position, SetDifference& difference, const Score& score) {
  std::set<std::int32_t> ours(found.begin(), found.end());
  std::set<std::int32_t> theirs(expected.begin(), expected.end());
  ours.erase(-1);
  theirs.erase(-1);
  ++difference.sets;
  if (ours == theirs) return;
  std::vector<double> apart;  // scores of what only one side chose
  for (const std::int32_t item : ours)
    if (!theirs.contains(item)) apart.push_back(score(item));
  for (const std::int32_t item : theirs)
    if (!ours.contains(item)) apart.push_back(score(item));
  const auto [low, high] = std::minmax_element(apart.begin(), apart.end());
  if (ours.size() == theirs.size() && *high - *low <= kTie) {
    ++difference.ties;
    tied_rows_.insert(position);
  } else {
    ++difference.wrong;
  }
}

void GoldenObserver::on_streams(std::int64_t block, View<const float, 3> streams) {
  const auto golden = golden_.streams.find(block);
  if (golden == golden_.streams.end()) return;
  const std::int64_t row_size = config_.streams * config_.channels;
  for (std::size_t probe = 0; probe < golden_.probe_positions.size(); ++probe) {
    const std::int64_t position = golden_.probe_positions[probe];
    if (position < start_ || position >= start_ + length_ || tied_rows_.contains(position)) continue;
    const std::vector<float> found = downloaded(backend_, streams[position - start_]);
    const float* expected = golden->second.data() + static_cast<std::int64_t>(probe) * row_size;
    for (std::int64_t value = 0; value < row_size; ++value)
      report_.streams.add(found[static_cast<std::size_t>(value)], expected[value]);
  }
}

void GoldenObserver::on_route(std::int64_t block, const RouteArgs& route) {
  const auto golden = golden_.experts.find(block);
  if (golden == golden_.experts.end() || start_ >= golden_.prompt) return;
  const std::int64_t selected = config_.selected_experts;
  const std::vector<std::int32_t> found = downloaded(backend_, route.selected);
  const std::vector<float> logits = downloaded(backend_, route.logits);
  std::vector<float> bias = downloaded(backend_, route.bias);
  bias.resize(static_cast<std::size_t>(config_.experts));  // hash layers have none
  for (std::int64_t row = 0; row < length_ && start_ + row < golden_.prompt; ++row)
    compare_sets(row_of(found, row, selected), row_of(golden->second, start_ + row, selected), start_ + row,
                 report_.experts, [&](std::int32_t expert) {
                   const auto at = static_cast<std::size_t>(expert);
                   return biased_score(static_cast<double>(row_of(logits, row, config_.experts)[at]),
                                       static_cast<double>(bias[at]));
                 });
  report_.tied_rows = std::ssize(tied_rows_);
}

void GoldenObserver::on_index(std::int64_t block, const IndexTopKArgs& index) {
  const auto golden = golden_.index.find(block);
  if (golden == golden_.index.end() || start_ >= golden_.prompt) return;
  const auto [tokens, heads, index_dim] = index.q.shape();
  const auto selected = std::ssize(golden->second) / golden_.prompt;
  const std::int64_t top_k = index.selected.extent(1);
  const std::vector<std::int32_t> found = downloaded(backend_, index.selected);
  const std::vector<float> q = downloaded(backend_, index.q);
  const std::vector<float> weights = downloaded(backend_, index.weights);
  for (std::int64_t row = 0; row < length_ && start_ + row < golden_.prompt; ++row) {
    const auto query = row_of(q, row, heads * index_dim);
    const auto query_weights = row_of(weights, row, heads);
    compare_sets(row_of(found, row, top_k), row_of(golden->second, start_ + row, selected), start_ + row, report_.index,
                 [&](std::int32_t entry) { return index_score(backend_, index, query, query_weights, entry); });
  }
  report_.tied_rows = std::ssize(tied_rows_);
}

}  // namespace fathom
