#include "fathom/backends/cuda/launch/expert_store.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>

#include "fathom/backends/cuda/choose/expert_placement.h"
#include "fathom/backends/cuda/launch/cuda_launcher.h"
#include "fathom/ops/device_caches.h"

namespace fathom::cuda {
namespace {

constexpr std::size_t kMostTables = 1024;  // layers of all models
constexpr std::int64_t kHostBlockBytes = std::int64_t{256} << 20;
constexpr std::int64_t kStepsBetweenLooks = 32;
constexpr std::int64_t kMostSwaps = 16;           // at one look: some 9 ms of a PCIe 5 bus
constexpr std::int64_t kStepsBetweenGlances = 4;  // at what is free
constexpr std::int64_t kMostCopies = 32;          // at one look: 8 ms
constexpr std::int64_t kLentPlaces = 16;          // of a block: 210 MiB of Flash's experts
constexpr std::int64_t kNeverLent = kStepsBehindLongTexts + (std::int64_t{128} << 20);
constexpr std::int64_t kKeptFree = std::int64_t{256} << 20;  // for the driver, which asks nobody
constexpr float kFading = 0.75F;                             // of what was counted before a look

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

// Of its tiles.
std::int64_t bytes_of(const ExpertWeights& expert) {
  std::int64_t bytes = 0;
  for (const auto weight : kThree) bytes += tiled(*(expert.*weight))->bytes();
  return bytes;
}

// Of the largest of its weights.
std::int64_t largest_of(const ExpertWeights& expert) {
  std::int64_t bytes = 0;
  for (const auto weight : kThree) bytes = std::max(bytes, tiled(*(expert.*weight))->bytes());
  return bytes;
}

// True while it lives.
class Turn {
 public:
  explicit Turn(bool& busy) : busy_(busy) { busy_ = true; }
  ~Turn() { busy_ = false; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  bool& busy_;
};

}  // namespace

ExpertStore::ExpertStore(const Device& device, Allocator& device_memory, Allocator& weight_memory, StagedSpans& staged)
    : device_(device),
      device_memory_(device_memory),
      weight_memory_(weight_memory),
      host_memory_(pinned_, kHostBlockBytes),
      staged_(staged),
      lent_(device_memory, kLentPlaces),
      stream_(device, device_memory) {}

void ExpertStore::expect(const ExpectedMemory& bytes, std::int64_t room, bool borrows) {
  expected_ = bytes;
  room_ = room;
  borrows_ = borrows;
  on_gpu_ = -1;
}

Allocator& ExpertStore::memory_for(const WeightView& weight) {
  if (!expected_) return weight_memory_;
  const std::optional<std::int64_t> expert = expert_of(weight.name);
  if (!expert) return weight_memory_;
  if (on_gpu_ < 0) {
    const ExpertRoom room{.bytes = room_,
                          .other_bytes = expected_->others,
                          .layers = expected_->expert_layers,
                          .experts_of_layer = expected_->experts_of_layer,
                          .expert_bytes = 3 * product_weight_bytes(weight),  // w1, w2 and w3 are as large as each other
                          .streams = expected_->step_tokens >= kManyTokens};
    on_gpu_ = experts_on_gpu(room);
    if (stream_.expert_bytes() == 0) streamed_places_ = streamed_places(room, on_gpu_);
  }
  return *expert < on_gpu_ ? weight_memory_ : host_memory_;
}

Allocator& ExpertStore::memory_for_table(std::int64_t bytes) {
  if (!expected_ || expected_->experts == 0 || expected_->experts + expected_->others <= room_) return weight_memory_;
  expected_->others -= bytes;
  return host_memory_;
}

bool ExpertStore::is_on_gpu(const TiledWeight& weight) const { return &weight.allocator() == &weight_memory_; }

// Serial numbers tell a layer from another one that came to lie in its place.
const ExpertTable& ExpertStore::table_of(std::span<const ExpertWeights> experts) {
  if (tables_.size() > kMostTables) {
    for (const auto& [key, table] : tables_) forget(table);
    tables_.clear();
  }
  ExpertTable& table = tables_[experts.data()];
  const std::int64_t first = serial_of(*experts.front().w1);
  const std::int64_t last = serial_of(*experts.back().w2);
  const TiledWeight* like = tiled(*experts.front().w1);
  const auto item = static_cast<std::int64_t>(like != nullptr ? sizeof(const std::uint8_t*) : sizeof(DeviceWeight));
  const std::int64_t bytes = 3 * std::ssize(experts) * item;
  if (table.first_serial == first && table.last_serial == last && table.memory.bytes() == bytes) return table;
  if (table.first_serial >= 0) forget(table);
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

// All w1, then all w2, then all w3, as kernels read them. InternalError where an expert is of another kind than the
// first.
std::vector<const std::uint8_t*> ExpertStore::tiles_of(const ExpertTable& table) const {
  const ProductWeight& like = tiled(*table.experts.front().w1)->weight();
  std::vector<const std::uint8_t*> tiles;
  std::int64_t offset = 0;  // of a weight in a copy
  for (const auto weight : kThree) {
    for (std::size_t expert = 0; expert < table.experts.size(); ++expert) {
      const TiledWeight* one = tiled(*(table.experts[expert].*weight));
      check(one != nullptr && one->weight().kind == like.kind && one->weight().parts == like.parts,
            "a layer's experts are of one kind");
      const std::byte* copy = table.copies[expert];
      tiles.push_back(copy != nullptr ? reinterpret_cast<const std::uint8_t*>(copy + offset) : one->weight().tiles);
    }
    offset += tiled(*(table.experts.front().*weight))->bytes();
  }
  return tiles;
}

// What lies in the machine's memory and has no copy.
ExpertStream::Experts ExpertStore::streamed_experts_of(const ExpertTable& table) {
  ExpertStream::Experts experts;
  for (std::size_t expert = 0; expert < table.experts.size(); ++expert) {
    if (table.on_gpu[expert] != 0) continue;
    StreamedExpert one{.expert = static_cast<std::int64_t>(expert)};
    std::size_t of_three = 0;
    for (const auto weight : kThree) {
      const TiledWeight& tiles = *tiled(*(table.experts[expert].*weight));
      one.tiles[of_three] = reinterpret_cast<const std::byte*>(tiles.weight().tiles);
      one.bytes[of_three++] = tiles.bytes();
    }
    experts.push_back(one);
  }
  return experts;
}

const std::uint8_t* const* ExpertStore::tiles_for(const ExpertTable& table, std::int64_t tokens) {
  if (tokens < kManyTokens || streamed_places_ == 0 || std::count(table.on_gpu.begin(), table.on_gpu.end(), 0) == 0)
    return table.tiles(0);
  const std::int64_t bytes = bytes_of(table.experts.front());
  if (stream_.expert_bytes() == 0 && !stream_.make_room(streamed_places_, bytes)) streamed_places_ = 0;  // for good
  if (stream_.expert_bytes() != bytes) return table.tiles(0);
  const auto arrived = stream_.arrive(
      &table, [](ExpertStream::Layer layer) { return streamed_experts_of(*static_cast<const ExpertTable*>(layer)); });
  streams_ = true;
  while (true) {
    const std::int64_t dropped = lent_.dropped();
    std::vector<const std::uint8_t*> tiles = tiles_of(table);
    for (const auto& [expert, place] : arrived) {
      const std::byte* next = place;
      std::int64_t of_three = 0;
      for (const auto weight : kThree) {
        tiles[static_cast<std::size_t>(of_three++ * std::ssize(table.experts) + expert)] =
            reinterpret_cast<const std::uint8_t*>(next);
        next += tiled(*(table.experts[static_cast<std::size_t>(expert)].*weight))->bytes();
      }
    }
    const std::uint8_t* const* staged = staged_.stage(std::span<const std::uint8_t* const>(tiles));
    if (dropped == lent_.dropped()) return staged;  // else staging took a copy's memory
  }
}

void ExpertStore::computed() {
  if (streams_) stream_.computed();
  streams_ = false;
}

// Nobody may find it under the address that it has.
void ExpertStore::forget(const ExpertTable& table) {
  lent_.forget(&table);
  stream_.forget();
}

void ExpertStore::note_places(ExpertTable& table) const {
  table.on_gpu.clear();
  for (std::size_t expert = 0; expert < table.experts.size(); ++expert)
    table.on_gpu.push_back(table.copies[expert] != nullptr || is_on_gpu(*tiled(*table.experts[expert].w1)) ? 1 : 0);
}

// Counters begin with the first layer that has an expert in the machine's memory.
void ExpertStore::write_tiles(ExpertTable& table) {
  table.copies.assign(table.experts.size(), nullptr);
  staged_.copy_to(std::as_bytes(std::span<const std::uint8_t* const>(tiles_of(table))), table.memory.data());

  note_places(table);
  const std::int64_t on_host = std::count(table.on_gpu.begin(), table.on_gpu.end(), 0);
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
  if (counters_ + std::ssize(table.experts) > std::ssize(counted_)) return;  // of the first model alone
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

void ExpertStore::begin_step() {
  ++steps_;
  stream_.begin_step();
  if (steps_ % kStepsBetweenGlances == 0) keep_some_free();
}

void ExpertStore::between_steps() {
  if (steps_ - steps_looked_ < kStepsBetweenLooks || use_.bytes() == 0) return;
  steps_looked_ = steps_;
  std::erase_if(tables_, [this](const auto& entry) {
    const bool gone = entry.second.use != nullptr && entry.second.life.expired();
    if (gone) forget(entry.second);
    return gone;
  });
  take_use();
  const auto first_counted =
      std::find_if(tables_.begin(), tables_.end(), [](const auto& one) { return one.second.use; });
  if (first_counted == tables_.end()) return;
  const ExpertWeights& like = first_counted->second.experts.front();
  const std::int64_t bytes = bytes_of(like);
  stream_.drop();  // a step may be under way, if somebody looks into it
  borrow(like);

  std::vector<Place> places;
  std::vector<float> use;
  std::vector<std::uint8_t> on_gpu;
  for (auto& [key, table] : tables_) {
    if (table.use == nullptr || bytes_of(table.experts.front()) != bytes) continue;
    const std::int64_t first = table.use - reinterpret_cast<std::uint32_t*>(use_.data());
    for (std::int64_t expert = 0; expert < std::ssize(table.experts); ++expert) {
      places.push_back({&table, expert});
      use.push_back(recent_[first + expert]);
      on_gpu.push_back(table.on_gpu[expert]);
    }
  }
  std::set<ExpertTable*> changed;
  const std::int64_t copies = lent_.fits(bytes) ? std::min(kMostCopies, lent_.free_places()) : 0;
  for (const std::int64_t index : choose_copies(use, on_gpu, copies)) {
    copy_to_lent(places[index]);
    on_gpu[index] = 1;
    changed.insert(places[index].table);
  }
  const std::vector<ExpertSwap> swaps = choose_swaps(use, on_gpu, spare_.bytes() < largest_of(like) ? 0 : kMostSwaps);
  for (const auto [to_gpu, to_host] : swaps) {
    swap(places[to_gpu], places[to_host]);
    changed.insert({places[to_gpu].table, places[to_host].table});
  }
  rewrite(changed);
  swaps_ += std::ssize(swaps);
  lent_experts_ = lent_.taken();
}

// Nothing runs meanwhile, and nothing is staged: whoever finds no memory may be about to.
void ExpertStore::rewrite(const std::set<ExpertTable*>& tables) {
  std::vector<std::vector<const std::uint8_t*>> tiles;
  for (ExpertTable* table : tables) {
    tiles.push_back(tiles_of(*table));
    device_.copy_to_device(reinterpret_cast<const std::byte*>(tiles.back().data()), table->memory.data(),
                           std::ssize(tiles.back()) * static_cast<std::int64_t>(sizeof(const std::uint8_t*)));
    note_places(*table);
  }
  if (!tables.empty()) device_.synchronize();
}

// Caches take what is lent down to nothing, and the driver would find none for itself. Nothing runs.
void ExpertStore::keep_some_free() {
  while (lent_.bytes() > 0 && device_.free_bytes() < kKeptFree)
    if (!give_back()) return;
}

// Blocks for experts of the machine's memory, while others would not miss them; and what their exchange wants.
void ExpertStore::borrow(const ExpertWeights& like) {
  const std::int64_t bytes = bytes_of(like);
  const Turn turn(busy_);
  try {
    if (spare_.bytes() < largest_of(like)) spare_ = Memory(device_memory_, largest_of(like));
    while (borrows_ && lent_.fits(bytes) && lent_.places() < on_host_ &&
           device_.free_bytes() > kNeverLent + lent_.block_bytes(bytes))
      lent_.add_block(bytes);
  } catch (const InputError&) {  // somebody else was quicker
  }
}

bool ExpertStore::give_back() {
  if (busy_ || lent_.bytes() == 0) return false;
  const Turn turn(busy_);
  device_.synchronize();
  std::set<ExpertTable*> changed;
  for (const auto& [table, expert] : lent_.owners_of_last_block()) {
    table->copies[static_cast<std::size_t>(expert)] = nullptr;
    if (!table->life.expired()) changed.insert(table);
  }
  rewrite(changed);
  lent_.drop_block();
  lent_experts_ = lent_.taken();
  return true;
}

void ExpertStore::copy_to_lent(const Place& place) {
  std::byte* copy = lent_.take({place.table, place.expert}, bytes_of(place.table->experts[place.expert]));
  check(copy != nullptr, "there is a lent place for a copy");
  place.table->copies[place.expert] = copy;
  for (const auto weight : kThree) {
    const TiledWeight& one = *tiled(*(place.table->experts[place.expert].*weight));
    device_.copy_any(reinterpret_cast<const std::byte*>(one.weight().tiles), copy, one.bytes());
    copy += one.bytes();
  }
}

// An expert of the machine's memory takes the place of one on the GPU, which may be a copy: then that is dropped.
void ExpertStore::swap(const Place& coming, const Place& going) {
  const std::byte*& copy = going.table->copies[going.expert];
  if (copy == nullptr) return exchange(coming.table->experts[coming.expert], going.table->experts[going.expert]);
  lent_.give(copy);
  copy = nullptr;
  copy_to_lent(coming);
}

void ExpertStore::exchange(const ExpertWeights& left, const ExpertWeights& right) {
  for (const auto weight : kThree) {
    TiledWeight& one = *tiled(*(left.*weight));
    TiledWeight& two = *tiled(*(right.*weight));
    check(spare_.bytes() >= one.bytes(), "experts that change places are as large as the first");
    one.exchange(two, device_, spare_.data());
  }
}

std::vector<BackendFigure> ExpertStore::figures() const {
  return {{.name = "experts_on_host", .value = static_cast<double>(on_host_)},
          {.name = "expert_swaps", .value = static_cast<double>(swaps_)},
          {.name = "experts_chosen", .value = static_cast<double>(chosen_)},
          {.name = "experts_chosen_on_host", .value = static_cast<double>(chosen_on_host_)},
          {.name = "experts_lent", .value = static_cast<double>(lent_experts_)}};
}

}  // namespace fathom::cuda
