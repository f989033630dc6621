// Experts of the machine's memory on their way to a step of many tokens, which wants nearly all of them: while one
// layer is computed, the copy engine brings the next one's. Kernels would wait for the bus instead, and cross it again
// for every block of rows.
//
//   copies   | layer 0 | layer 1 | layer 2 | ...          two buffers in turn
//   kernels            | layer 0 | layer 1 | layer 2 | ...
//
// Which layer comes next is what came next in the step before; the first step of all brings each when it is wanted.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "fathom/backends/cuda/device/copy_stream.h"
#include "fathom/tensor/memory.h"

namespace fathom::cuda {

// Of one expert: its weights' tiles in the machine's memory.
struct StreamedExpert {
  std::int64_t expert = 0;
  std::array<const std::byte*, 3> tiles = {};
  std::array<std::int64_t, 3> bytes = {};

  std::int64_t all_bytes() const { return bytes[0] + bytes[1] + bytes[2]; }
};

class ExpertStream {
 public:
  // Experts of a layer that come: those of the machine's memory, in any order that stays while they do.
  using Layer = const void*;
  using Experts = std::vector<StreamedExpert>;

  ExpertStream(const Device& device, Allocator& device_memory);

  // Room for so many experts of so many bytes, twice. False: there is no memory.
  bool make_room(std::int64_t experts, std::int64_t expert_bytes);
  std::int64_t expert_bytes() const { return expert_bytes_; }  // 0: there is no room yet

  void begin_step();
  // What came of the layer, room() experts at most, and where kernels that are launched next find it, w1, w2, w3 side
  // by side; `experts_of` says which another layer's are. Until computed(), which follows the launches.
  struct Arrived {
    std::int64_t expert = 0;
    const std::byte* place = nullptr;
  };
  std::vector<Arrived> arrive(Layer layer, const std::function<Experts(Layer)>& experts_of);
  void computed();
  // What was sent for may change from now on: no copy is under way afterwards, and what came is brought again.
  void drop();
  // The same, and layers are others.
  void forget();

 private:
  struct Buffer {
    Memory memory;
    Event arrived;
    Event computed;
    Layer holds = nullptr;              // or is about to
    std::vector<std::int64_t> experts;  // of it, as they were when they were sent for
  };
  void bring(Layer layer, const Experts& experts, Buffer& to);

  const Device& device_;
  Allocator& device_memory_;
  std::array<Buffer, 2> buffers_;
  CopyStream copies_;  // gone before what it copies to
  std::int64_t room_ = 0;
  std::int64_t expert_bytes_ = 0;
  std::size_t current_ = 0;  // buffer that is computed from
  std::map<Layer, Layer> next_;
  Layer last_ = nullptr;  // of this step
};

}  // namespace fathom::cuda
