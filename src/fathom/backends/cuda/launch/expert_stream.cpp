#include "fathom/backends/cuda/launch/expert_stream.h"

#include <algorithm>

#include "fathom/base/error.h"

namespace fathom::cuda {

ExpertStream::ExpertStream(const Device& device, Allocator& device_memory)
    : device_(device), device_memory_(device_memory), copies_(device) {}

bool ExpertStream::make_room(std::int64_t experts, std::int64_t expert_bytes) {
  check(room_ == 0, "room for experts that come is made once");
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

void ExpertStream::begin_step() {
  last_ = nullptr;
  for (Buffer& buffer : buffers_) buffer.holds = nullptr;  // experts may have changed places
}

void ExpertStream::bring(Layer layer, const Experts& experts, Buffer& to) {
  to.holds = nullptr;
  to.experts.clear();
  copies_.wait_for(to.computed);
  std::byte* place = to.memory.data();
  for (std::int64_t index = 0; index < std::min(std::ssize(experts), room_); ++index) {
    const StreamedExpert& expert = experts[static_cast<std::size_t>(index)];
    check_equal(expert.all_bytes(), expert_bytes_, "bytes of an expert that is brought");
    for (std::size_t weight = 0; weight < expert.tiles.size(); ++weight) {
      copies_.copy(expert.tiles[weight], place, expert.bytes[weight]);
      place += expert.bytes[weight];
    }
    to.experts.push_back(expert.expert);
  }
  copies_.record(to.arrived);
  to.holds = layer;
}

std::vector<ExpertStream::Arrived> ExpertStream::arrive(Layer layer, const std::function<Experts(Layer)>& experts_of) {
  if (last_ != nullptr) next_[last_] = layer;
  last_ = layer;
  current_ = 1 - current_;
  Buffer& here = buffers_[current_];
  if (here.holds != layer) bring(layer, experts_of(layer), here);
  device_.wait_for(here.arrived);
  here.holds = nullptr;  // for this once
  std::vector<Arrived> arrived;
  for (std::size_t index = 0; index < here.experts.size(); ++index)
    arrived.push_back({.expert = here.experts[index],
                       .place = here.memory.data() + static_cast<std::int64_t>(index) * expert_bytes_});
  if (const auto next = next_.find(layer); next != next_.end())
    bring(next->second, experts_of(next->second), buffers_[1 - current_]);
  return arrived;
}

void ExpertStream::computed() { buffers_[current_].computed.record(device_); }

void ExpertStream::drop() {
  copies_.synchronize();
  for (Buffer& buffer : buffers_) buffer.holds = nullptr;
}

void ExpertStream::forget() {
  drop();
  next_.clear();
  last_ = nullptr;
}

}  // namespace fathom::cuda
