#include "fathom/backends/cuda/launch/lent_memory.h"

#include "fathom/base/error.h"

namespace fathom::cuda {

std::int64_t LentMemory::bytes() const { return places() * place_bytes_; }

std::int64_t LentMemory::places() const { return std::ssize(blocks_) * places_of_block_; }

void LentMemory::add_block(std::int64_t place_bytes) {
  if (!blocks_.empty()) check_equal(padded(place_bytes), place_bytes_, "bytes of a lent place");
  Block block{.memory = Memory(memory_, block_bytes(place_bytes)),
              .places = std::vector<std::optional<Owner>>(static_cast<std::size_t>(places_of_block_))};
  place_bytes_ = padded(place_bytes);
  blocks_.push_back(std::move(block));
}

std::byte* LentMemory::take(const Owner& owner, std::int64_t bytes) {
  check(blocks_.empty() || bytes <= place_bytes_, "a lent place holds its owner's copy");
  for (Block& block : blocks_)
    for (std::size_t place = 0; place < block.places.size(); ++place)
      if (!block.places[place].has_value()) {
        block.places[place] = owner;
        ++taken_;
        return block.memory.data() + static_cast<std::int64_t>(place) * place_bytes_;
      }
  return nullptr;
}

void LentMemory::give(const std::byte* place) {
  for (Block& block : blocks_) {
    const std::int64_t offset = place - block.memory.data();
    if (offset < 0 || offset >= block.memory.bytes()) continue;
    std::optional<Owner>& owner = block.places[static_cast<std::size_t>(offset / place_bytes_)];
    check(offset % place_bytes_ == 0 && owner.has_value(), "a lent place is given back once");
    owner.reset();
    --taken_;
    return;
  }
  check(false, "a lent place is one of these");
}

void LentMemory::forget(const ExpertTable* table) {
  for (Block& block : blocks_)
    for (std::optional<Owner>& owner : block.places)
      if (owner.has_value() && owner->table == table) {
        owner.reset();
        --taken_;
      }
}

std::vector<LentMemory::Owner> LentMemory::owners_of_last_block() const {
  std::vector<Owner> owners;
  if (blocks_.empty()) return owners;
  for (const std::optional<Owner>& owner : blocks_.back().places)
    if (owner.has_value()) owners.push_back(*owner);
  return owners;
}

void LentMemory::drop_block() {
  check(!blocks_.empty(), "there is a lent block to take back");
  taken_ -= std::ssize(owners_of_last_block());
  blocks_.pop_back();
  ++dropped_;
}

}  // namespace fathom::cuda
