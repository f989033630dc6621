// Which routed experts lie in the GPU's memory and which in the machine's, by how much there is room for and by use.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fathom/ops/backend.h"

namespace fathom::cuda {

// Of the GPU's free memory, what weights may take: caches, a step and what nobody counts stay free. Caches that nobody
// asked for are an eighth of the GPU at most.
std::int64_t room_for_weights(std::int64_t free, const ExpectedMemory& expected);

inline constexpr std::int64_t kManyTokens = 96;  // want nine of ten experts, if 6 of 256 are theirs

struct ExpertRoom {
  std::int64_t bytes = 0;             // of the GPU's memory, for all weights
  std::int64_t other_bytes = 0;       // of weights that are no routed experts
  std::int64_t layers = 0;            // with experts
  std::int64_t experts_of_layer = 0;  //
  std::int64_t expert_bytes = 0;      // of one expert
  bool streams = false;               // steps of many tokens have experts brought (launch/expert_stream.h)
};
// Experts of a layer, the first ones, that begin on the GPU: as many in every layer, beside what streams() takes.
std::int64_t experts_on_gpu(const ExpertRoom& room);
// Places for experts of a layer that come, twice, where so many of every layer are on the GPU: some more than are not,
// as use moves them between layers; a sixteenth of the room at most, or 64 MiB.
std::int64_t streamed_places(const ExpertRoom& room, std::int64_t on_gpu);

// The most used of those in the machine's memory, most used first, `most` of them.
std::vector<std::int64_t> choose_copies(std::span<const float> use, std::span<const std::uint8_t> is_on_gpu,
                                        std::int64_t most);

// An expert on each side, whose places are to be exchanged; indices into [layers, experts_of_layer].
struct ExpertSwap {
  std::int64_t to_gpu = 0;
  std::int64_t to_host = 0;
};
// The most used of those in the machine's memory for the least used of those on the GPU, best first, while the one is
// used twice as much as the other and more: a swap must pay for its way over the bus.
std::vector<ExpertSwap> choose_swaps(std::span<const float> use, std::span<const std::uint8_t> is_on_gpu,
                                     std::int64_t most);

}  // namespace fathom::cuda
