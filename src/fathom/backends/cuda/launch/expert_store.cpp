#include "fathom/backends/cuda/launch/expert_store.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>

#include "fathom/backends/cuda/choose/expert_placement.h"
#include "fathom/backends/cuda/launch/cuda_launcher.h"

namespace fathom::cuda {
namespace {

constexpr std::size_t kMostTables = 1024;  // layers of all models
constexpr std::int64_t kHostBlockBytes = std::int64_t{256} << 20;
constexpr std::int64_t kStepsBetweenLooks = 32;
constexpr std::int64_t kMostSwaps = 16;  // at one look: some 9 ms of a PCIe 5 bus
constexpr float kFading = 0.75F;         // of what was counted before a look

std::int64_t serial_of(const PreparedWeight& weight) {
  const TiledWeight* on_tensor_cores = tiled(weight);
  return on_tensor_cores != nullptr ? on_tensor_cores->serial() : plain(weight).serial();
}

// The number behind ".experts." in "layers.3.ffn.experts.17.w1"; nothing for other weights.
std::optional<std::int64_t> expert_of(std::string_view name) {
  constexpr std::string_view kExperts = ".experts.";
  const std::size_t found = name.find(kExperts);
  if (found == std::string_view::npos) return std::nullopt;
  const std::string_view number = name.substr(found + kExperts.size());
  std::int64_t expert = 0;
  const auto end = std::from_chars(number.data(), number.data() + number.size(), expert);
  return end.ec == std::errc() ? std::optional(expert) : std::nullopt;
}

constexpr auto kThree = {&ExpertWeights::w1, &ExpertWeights::w2, &ExpertWeights::w3};

}  // namespace

ExpertStore::ExpertStore(const Device& device, Allocator& device_memory, Allocator& weight_memory, StagedSpans& staged)
    : device_(device),
      device_memory_(device_memory),
      weight_memory_(weight_memory),
      host_memory_(pinned_, kHostBlockBytes),
      staged_(staged) {}

void ExpertStore::expect(const WeightBytes& bytes, std::int64_t room) {
  const std::int64_t free = device_.free_bytes();
  expected_ = bytes;
  room_ = room > 0 ? room : free - free / 15;  // caches, workspaces, and what is between blocks
  on_gpu_ = -1;
}

Allocator& ExpertStore::memory_for(const WeightView& weight) {
  if (!expected_) return weight_memory_;
  const std::optional<std::int64_t> expert = expert_of(weight.name);
  if (!expert) return weight_memory_;
  if (on_gpu_ < 0)  // w1, w2 and w3 are as large as each other
    on_gpu_ = experts_on_gpu({.bytes = room_,
                              .other_bytes = expected_->others,
                              .layers = expected_->expert_layers,
                              .experts_of_layer = expected_->experts_of_layer,
                              .expert_bytes = 3 * product_weight_bytes(weight)});
  return *expert < on_gpu_ ? weight_memory_ : host_memory_;
}

bool ExpertStore::is_on_gpu(const TiledWeight& weight) const { return &weight.allocator() == &weight_memory_; }

// Serial numbers tell a layer from another one that came to lie in its place.
const ExpertTable& ExpertStore::table_of(std::span<const ExpertWeights> experts) {
  if (tables_.size() > kMostTables) tables_.clear();
  ExpertTable& table = tables_[experts.data()];
  const std::int64_t first = serial_of(*experts.front().w1);
  const std::int64_t last = serial_of(*experts.back().w2);
  const TiledWeight* like = tiled(*experts.front().w1);
  const auto item = static_cast<std::int64_t>(like != nullptr ? sizeof(const std::uint8_t*) : sizeof(DeviceWeight));
  const std::int64_t bytes = 3 * std::ssize(experts) * item;
  if (table.first_serial == first && table.last_serial == last && table.memory.bytes() == bytes) return table;
  table = {.first_serial = first, .last_serial = last, .memory = Memory(device_memory_, bytes), .experts = experts};
  if (like != nullptr) {
    table.life = like->life();
    write_tiles(table);
    return table;
  }
  std::vector<DeviceWeight> weights;
  for (const ExpertWeights& expert : experts)
    for (const auto weight : kThree) weights.push_back(plain(*(expert.*weight)).weight());
  staged_.copy_to(std::as_bytes(std::span(weights)), table.memory.data());
  return table;
}

// All w1, then all w2, then all w3. InternalError where an expert is of another kind than the first. Counters begin
// with the first layer that has an expert in the machine's memory.
void ExpertStore::write_tiles(ExpertTable& table) {
  const ProductWeight& like = tiled(*table.experts.front().w1)->weight();
  std::vector<const std::uint8_t*> tiles;
  for (const auto weight : kThree)
    for (const ExpertWeights& expert : table.experts) {
      const TiledWeight* one = tiled(*(expert.*weight));
      check(one != nullptr && one->weight().kind == like.kind && one->weight().parts == like.parts,
            "a layer's experts are of one kind");
      tiles.push_back(one->weight().tiles);
    }
  staged_.copy_to(std::as_bytes(std::span(tiles)), table.memory.data());

  std::int64_t on_host = 0;
  table.on_gpu.clear();
  for (const ExpertWeights& expert : table.experts) {
    table.on_gpu.push_back(is_on_gpu(*tiled(*expert.w1)) ? 1 : 0);
    on_host += 1 - table.on_gpu.back();
  }
  const bool counts = table.use == nullptr && on_host > 0 && expected_.has_value() &&
                      std::ssize(table.experts) == expected_->experts_of_layer;
  if (!counts) return;
  on_host_ += on_host;
  const std::int64_t all = expected_->expert_layers * expected_->experts_of_layer;
  if (use_.bytes() == 0) {
    use_ = Memory(device_memory_, all * static_cast<std::int64_t>(sizeof(std::uint32_t)));
    counted_.assign(static_cast<std::size_t>(all), 0);
    recent_.assign(static_cast<std::size_t>(all), 0.0F);
  }
  if (counters_ + std::ssize(table.experts) > all) return;
  table.use = reinterpret_cast<std::uint32_t*>(use_.data()) + counters_;
  counters_ += std::ssize(table.experts);
}

void ExpertStore::take_use() {
  std::vector<std::uint32_t> now(counted_.size());
  device_.copy_to_host(use_.data(), reinterpret_cast<std::byte*>(now.data()), use_.bytes());
  device_.synchronize();
  for (std::size_t index = 0; index < now.size(); ++index)
    recent_[index] = kFading * recent_[index] + static_cast<float>(now[index] - counted_[index]);
  for (const auto& [key, table] : tables_) {
    if (table.use == nullptr) continue;
    const std::int64_t first = table.use - reinterpret_cast<std::uint32_t*>(use_.data());
    for (std::int64_t expert = 0; expert < std::ssize(table.experts); ++expert) {
      const std::int64_t times = now[first + expert] - counted_[first + expert];
      chosen_ += times;
      if (table.on_gpu[expert] == 0) chosen_on_host_ += times;
    }
  }
  counted_ = std::move(now);
}

void ExpertStore::between_steps() {
  if (steps_ - steps_looked_ < kStepsBetweenLooks || use_.bytes() == 0) return;
  steps_looked_ = steps_;
  std::erase_if(tables_, [](const auto& entry) { return entry.second.use != nullptr && entry.second.life.expired(); });
  take_use();

  struct Place {
    ExpertTable* table;
    std::int64_t expert;
  };
  std::vector<Place> places;
  std::vector<float> use;
  std::vector<std::uint8_t> on_gpu;
  for (auto& [key, table] : tables_) {
    if (table.use == nullptr) continue;
    const std::int64_t first = table.use - reinterpret_cast<std::uint32_t*>(use_.data());
    for (std::int64_t expert = 0; expert < std::ssize(table.experts); ++expert) {
      places.push_back({&table, expert});
      use.push_back(recent_[first + expert]);
      on_gpu.push_back(table.on_gpu[expert]);
    }
  }
  const std::vector<ExpertSwap> swaps = choose_swaps(use, on_gpu, kMostSwaps);
  std::set<ExpertTable*> changed;
  for (const auto [to_gpu, to_host] : swaps) {
    exchange(places[to_gpu].table->experts[places[to_gpu].expert],
             places[to_host].table->experts[places[to_host].expert]);
    changed.insert({places[to_gpu].table, places[to_host].table});
  }
  for (ExpertTable* table : changed) write_tiles(*table);
  if (!swaps.empty()) device_.synchronize();
  swaps_ += std::ssize(swaps);
}

void ExpertStore::exchange(const ExpertWeights& left, const ExpertWeights& right) {
  for (const auto weight : kThree) {
    TiledWeight& one = *tiled(*(left.*weight));
    TiledWeight& two = *tiled(*(right.*weight));
    if (spare_.bytes() < one.bytes()) spare_ = Memory(device_memory_, one.bytes());
    one.exchange(two, device_, spare_.data());
  }
}

std::vector<BackendFigure> ExpertStore::figures() const {
  return {{.name = "experts_on_host", .value = static_cast<double>(on_host_)},
          {.name = "expert_swaps", .value = static_cast<double>(swaps_)},
          {.name = "experts_chosen", .value = static_cast<double>(chosen_)},
          {.name = "experts_chosen_on_host", .value = static_cast<double>(chosen_on_host_)}};
}

}  // namespace fathom::cuda
