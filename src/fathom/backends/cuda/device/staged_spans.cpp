#include "fathom/backends/cuda/device/staged_spans.h"

#include <algorithm>

namespace fathom::cuda {
namespace {

constexpr std::int64_t kSegmentBytes = std::int64_t{256} << 10;
constexpr std::int64_t kSegmentCount = 8;
constexpr std::size_t kMostTables = 4096;  // sequences seen, those that are gone included
constexpr std::int64_t kPointerBytes = static_cast<std::int64_t>(sizeof(std::byte*));

}  // namespace

StagedSpans::StagedSpans(const Device& device, Allocator& device_memory, StepRecorder& recorder)
    : device_(device),
      device_memory_(device_memory),
      recorder_(recorder),
      segments_(kSegmentBytes, kSegmentCount),
      pinned_(pinned_memory_, segments_.bytes()),
      mirror_(device_memory, segments_.bytes()),
      done_(static_cast<std::size_t>(kSegmentCount)) {}

void StagedSpans::grow(std::int64_t segment_bytes) {
  device_.synchronize();  // what is staged has arrived, and was used
  segments_ =
      Segments((segment_bytes + Segments::kAlignment - 1) / Segments::kAlignment * Segments::kAlignment, kSegmentCount);
  pinned_ = Memory(pinned_memory_, segments_.bytes());
  mirror_ = Memory(device_memory_, segments_.bytes());
}

StagedSpans::Staged StagedSpans::take(std::int64_t bytes) {
  if (bytes > segments_.segment_bytes()) grow(2 * bytes);
  const Segments::Place place = segments_.take(bytes);
  if (place.left >= 0) {
    done_[static_cast<std::size_t>(place.left)].record(device_);
    done_[static_cast<std::size_t>(place.segment)].wait();
  }
  return {pinned_.data() + place.offset, mirror_.data() + place.offset};
}

const std::byte* StagedSpans::stage_bytes(std::span<const std::byte> bytes) {
  if (const std::byte* place = recorder_.stage(bytes)) return place;
  const auto size = std::ssize(bytes);
  const Staged staged = take(size);
  std::copy(bytes.begin(), bytes.end(), staged.host);
  device_.copy_to_device(staged.host, staged.device, size);
  return staged.device;
}

void StagedSpans::copy_to(std::span<const std::byte> bytes, std::byte* device) {
  while (!bytes.empty()) {
    const auto some = bytes.first(std::min(bytes.size(), static_cast<std::size_t>(segments_.segment_bytes())));
    const Staged staged = take(std::ssize(some));
    std::copy(some.begin(), some.end(), staged.host);
    device_.copy_to_device(staged.host, device, std::ssize(some));
    bytes = bytes.subspan(some.size());
    device += some.size();
  }
}

void PageTables::trim() {
  if (tables_.size() > kMostTables) tables_.clear();
}

std::byte* const* PageTables::on_device(std::byte* const* pages, std::int64_t count) {
  if (count == 0) return nullptr;
  Table& table = tables_[pages];
  const std::span<std::byte* const> wanted(pages, static_cast<std::size_t>(count));
  const auto known = std::min(wanted.size(), table.copy.size());
  const auto differs =
      std::mismatch(wanted.begin(), wanted.begin() + static_cast<std::ptrdiff_t>(known), table.copy.begin());
  auto first = static_cast<std::size_t>(differs.first - wanted.begin());
  if (first == wanted.size()) return reinterpret_cast<std::byte* const*>(table.device.data());
  if (count * kPointerBytes > table.device.bytes()) {
    table.device = Memory(device_memory_, 2 * count * kPointerBytes);
    first = 0;
  }
  table.copy.assign(wanted.begin(), wanted.end());
  staged_.copy_to(std::as_bytes(wanted.subspan(first)),
                  table.device.data() + static_cast<std::int64_t>(first) * kPointerBytes);
  return reinterpret_cast<std::byte* const*>(table.device.data());
}

}  // namespace fathom::cuda
