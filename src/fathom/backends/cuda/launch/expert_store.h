// Routed experts of all layers: where their weights lie, how much they are used, and the tables in which kernels find
// them. What does not fit the GPU lies in pinned memory of the machine, and kernels read it over the bus: the same
// kernels, the same bits. Between steps the most used of these change places with the least used of the others, or are
// copied to memory of the GPU that nobody wants yet (lent_memory.h).
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "fathom/backends/cuda/device/block_allocator.h"
#include "fathom/backends/cuda/device/device.h"
#include "fathom/backends/cuda/device/staged_spans.h"
#include "fathom/backends/cuda/kernels/plain_products.h"
#include "fathom/backends/cuda/launch/expert_stream.h"
#include "fathom/backends/cuda/launch/lent_memory.h"
#include "fathom/backends/cuda/launch/tiled_weight.h"
#include "fathom/ops/backend.h"

namespace fathom::cuda {

// A layer's experts as kernels read them: w1, w2, w3 of each; for tensor cores pointers to tiles, all w1 first.
struct ExpertTable {
  std::int64_t first_serial = -1;
  std::int64_t last_serial = -1;
  Memory memory;
  std::uint32_t* use = nullptr;  // [experts] times chosen, on the device; null where nobody wants to know
  std::span<const ExpertWeights> experts = {};
  std::weak_ptr<const void> life = {};        // of the experts
  std::vector<std::uint8_t> on_gpu = {};      // read there
  std::vector<const std::byte*> copies = {};  // lent places of experts of the machine's memory; null: none

  const DeviceWeight* weights(std::int64_t of_three) const {
    return reinterpret_cast<const DeviceWeight*>(memory.data()) + of_three;
  }
  const std::uint8_t* const* tiles(std::int64_t first) const {
    return reinterpret_cast<const std::uint8_t* const*>(memory.data()) + first;
  }
};

class ExpertStore {
 public:
  // `device_memory` for tables, `weight_memory` for weights.
  ExpertStore(const Device& device, Allocator& device_memory, Allocator& weight_memory, StagedSpans& staged);

  // Before weights are prepared; `room` bytes of the GPU's memory. Beyond them it may borrow what nobody wants, or not.
  void expect(const ExpectedMemory& bytes, std::int64_t room, bool borrows);
  // Where a weight goes, by its name.
  Allocator& memory_for(const WeightView& weight);
  // Of a table, of which a step reads some rows: experts come first where there is no room for all.
  Allocator& memory_for_table(std::int64_t bytes);
  const ExpertTable& table_of(std::span<const ExpertWeights> experts);
  // Where kernels that are launched next find the table's tiles in a step of so many tokens; many have what lies in the
  // machine's memory brought (expert_stream.h), until computed(), which follows the launches. Nobody allocates between
  // the two: what is lent may go.
  const std::uint8_t* const* tiles_for(const ExpertTable& table, std::int64_t tokens);
  void computed();

  void begin_step();
  // The device has nothing to do: experts may change places.
  void between_steps();
  std::int64_t lent_bytes() const { return lent_.bytes(); }
  // Gives some of these up for whoever finds no memory; false where there are none.
  bool give_back();

  std::vector<BackendFigure> figures() const;

 private:
  struct Place {
    ExpertTable* table;
    std::int64_t expert;
  };
  bool is_on_gpu(const TiledWeight& weight) const;
  std::vector<const std::uint8_t*> tiles_of(const ExpertTable& table) const;
  static ExpertStream::Experts streamed_experts_of(const ExpertTable& table);
  void forget(const ExpertTable& table);
  void note_places(ExpertTable& table) const;
  void write_tiles(ExpertTable& table);
  void rewrite(const std::set<ExpertTable*>& tables);
  void take_use();
  void borrow(const ExpertWeights& like);
  void keep_some_free();
  void copy_to_lent(const Place& place);  // which has a free one; tables are written anew afterwards, here and below
  void swap(const Place& coming, const Place& going);
  void exchange(const ExpertWeights& left, const ExpertWeights& right);

  const Device& device_;
  Allocator& device_memory_;
  Allocator& weight_memory_;
  PinnedAllocator pinned_;
  BlockAllocator host_memory_;
  StagedSpans& staged_;
  std::optional<ExpectedMemory> expected_;
  std::int64_t room_ = 0;
  std::int64_t on_gpu_ = -1;  // experts of a layer that begin there; -1: not known yet
  std::map<const ExpertWeights*, ExpertTable> tables_;
  Memory use_;                          // [tables, experts] counters on the device
  std::int64_t counters_ = 0;           // handed out
  std::vector<std::uint32_t> counted_;  // as read last
  std::vector<float> recent_;           // [tables, experts] fading
  Memory spare_;
  LentMemory lent_;
  ExpertStream stream_;
  std::int64_t streamed_places_ = 0;
  bool streams_ = false;  // since tiles_for(), until computed()
  bool borrows_ = false;
  bool busy_ = false;  // borrowing or giving back
  std::int64_t steps_ = 0;
  std::int64_t steps_looked_ = 0;
  std::atomic<std::int64_t> on_host_{0};
  std::atomic<std::int64_t> swaps_{0};
  std::atomic<std::int64_t> lent_experts_{0};
  std::atomic<std::int64_t> chosen_{0};
  std::atomic<std::int64_t> chosen_on_host_{0};
};

}  // namespace fathom::cuda
