#include "fathom/backends/cuda/launch/expert_stream.h"

#include <algorithm>

#include "fathom/base/error.h"

namespace fathom::cuda {

ExpertStream::ExpertStream(const Device& device, Allocator& device_memory)
    : device_(device), device_memory_(device_memory), copies_(device) {}

bool ExpertStream::make_room(std::int64_t experts, std::int64_t expert_bytes) {
  if (room_ >= experts && expert_bytes_ == expert_bytes) return true;
  forget();
  device_.synchronize();
  room_ = 0;
  for (Buffer& buffer : buffers_) buffer.memory = Memory();
  try {
    for (Buffer& buffer : buffers_) buffer.memory = Memory(device_memory_, experts * expert_bytes);
  } catch (const InputError&) {
    for (Buffer& buffer : buffers_) buffer.memory = Memory();
    return false;
  }
  device_.synchronize();  // zeroed: copies have a stream of their own
  room_ = experts;
  expert_bytes_ = expert_bytes;
  return true;
}

void ExpertStream::bring(Layer layer, const Experts& experts, Buffer& to) {
  copies_.wait_for(to.computed);
  std::byte* place = to.memory.data();
  for (std::int64_t index = 0; index < std::min(std::ssize(experts), room_); ++index) {
    const StreamedExpert& expert = experts[static_cast<std::size_t>(index)];
    check_equal(expert.all_bytes(), expert_bytes_, "bytes of an expert that is brought");
    for (std::size_t weight = 0; weight < expert.tiles.size(); ++weight) {
      copies_.copy(expert.tiles[weight], place, expert.bytes[weight]);
      place += expert.bytes[weight];
    }
  }
  copies_.record(to.arrived);
  to.holds = layer;
}

std::vector<const std::byte*> ExpertStream::arrive(Layer layer, const std::function<Experts(Layer)>& experts_of) {
  if (last_ != nullptr) next_[last_] = layer;
  last_ = layer;
  const Experts experts = experts_of(layer);
  const std::size_t other = 1 - current_;
  if (buffers_[other].holds != layer) bring(layer, experts, buffers_[other]);
  current_ = other;
  Buffer& here = buffers_[current_];
  device_.wait_for(here.arrived);
  here.holds = nullptr;  // for this once: the next step's are brought again
  std::vector<const std::byte*> places;
  for (std::int64_t index = 0; index < std::min(std::ssize(experts), room_); ++index)
    places.push_back(here.memory.data() + index * expert_bytes_);
  if (const auto next = next_.find(layer); next != next_.end())
    bring(next->second, experts_of(next->second), buffers_[1 - current_]);
  return places;
}

void ExpertStream::computed() { buffers_[current_].computed.record(device_); }

void ExpertStream::forget() {
  copies_.synchronize();
  next_.clear();
  last_ = nullptr;
  for (Buffer& buffer : buffers_) buffer.holds = nullptr;
}

}  // namespace fathom::cuda
