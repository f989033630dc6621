// One operation's arrays on a device: each is copied there at the same distance from a cache line, once, and back.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "fathom/ops/backend.h"
#include "fathom/tensor/arena.h"

namespace fathom::op_test {

// The arrays of one operation on the device.
class Copies {
 public:
  explicit Copies(Backend& inner) : inner_(inner) {}

  template <typename T, std::size_t Rank>
  View<T, Rank> of(const View<T, Rank>& host) {
    if (host.empty()) return host;
    std::byte* device = device_of(host.data(), host.size() * static_cast<std::int64_t>(sizeof(T)), !std::is_const_v<T>);
    return View<T, Rank>(reinterpret_cast<T*>(device), host.shape());
  }

  NormRotateArgs of(const NormRotateArgs& host) {
    return {
        .x = of(host.x), .weight = of(host.weight), .eps = host.eps, .cosine = of(host.cosine), .sine = of(host.sine)};
  }

  NewKeysArgs of(const NewKeysArgs& host) {
    return {.x = of(host.x),
            .weight = of(host.weight),
            .eps = host.eps,
            .cosine = of(host.cosine),
            .sine = of(host.sine),
            .format = host.format,
            .rows = of(host.rows)};
  }

  RouteArgs of(const RouteArgs& host) {
    return {.logits = of(host.logits),
            .bias = of(host.bias),
            .hash = of(host.hash),
            .ids = host.ids,
            .route_scale = host.route_scale,
            .selected = of(host.selected),
            .weights = of(host.weights)};
  }

  ExpandStreamsArgs of(const ExpandStreamsArgs& host) {
    return {.y = of(host.y), .post = of(host.post), .comb = of(host.comb), .streams = of(host.streams)};
  }

  HyperConnectionArgs of(const HyperConnectionArgs& host, Arena& arena) {
    return {.streams = of(host.streams),
            .fn = host.fn,
            .scale = of(host.scale),
            .base = of(host.base),
            .iterations = host.iterations,
            .eps = host.eps,
            .norm_eps = host.norm_eps,
            .norm = of(host.norm),
            .arena = arena,
            .pre = of(host.pre),
            .post = of(host.post),
            .comb = of(host.comb),
            .out = of(host.out)};
  }
  std::optional<HyperConnectionArgs> of(const HyperConnectionArgs* host, Arena& arena) {
    std::optional<HyperConnectionArgs> device;
    if (host != nullptr) device.emplace(of(*host, arena));
    return device;
  }

  std::vector<Ring> rings(std::span<const Ring> host, bool written) {
    std::vector<Ring> result;
    for (const Ring& ring : host)
      result.push_back({device_of(ring.rows, ring.capacity * ring.row_bytes, written), ring.capacity, ring.row_bytes});
    return result;
  }

  // The pages that hold the entries up to each run's end.
  std::vector<PagedRows> paged(std::span<const PagedRows> host, std::span<const Run> runs, std::int64_t ratio,
                               bool written) {
    std::vector<PagedRows> result;
    for (std::size_t run = 0; run < host.size(); ++run) {
      PagedRows rows = host[run];
      const std::int64_t entries = (runs[run].start + runs[run].tokens) / ratio;
      std::vector<std::byte*>& pages = tables_.emplace_back();
      for (std::int64_t page = 0; page * rows.rows_per_page < entries; ++page)
        pages.push_back(device_of(rows.pages[page], rows.offset + rows.rows_per_page * rows.row_bytes, written));
      rows.pages = pages.data();
      result.push_back(rows);
    }
    return result;
  }

  void back() {
    for (const Piece& piece : pieces_)
      if (piece.written) inner_.download(piece.device, {piece.host, static_cast<std::size_t>(piece.bytes)});
  }

 private:
  struct Piece {
    std::byte* host;
    std::int64_t bytes;
    Memory memory;
    std::byte* device;
    bool written;
  };

  std::byte* device_of(const void* data, std::int64_t bytes, bool written) {
    auto* host = const_cast<std::byte*>(static_cast<const std::byte*>(data));
    for (Piece& piece : pieces_)
      if (host >= piece.host && host + bytes <= piece.host + piece.bytes) {
        piece.written = piece.written || written;
        return piece.device + (host - piece.host);
      }
    constexpr std::int64_t kLine = 64;
    const auto offset = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(host) % kLine);
    Piece& piece =
        pieces_.emplace_back(Piece{host, bytes, Memory(inner_.allocator(), offset + bytes), nullptr, written});
    piece.device = piece.memory.data() + offset;
    inner_.upload({host, static_cast<std::size_t>(bytes)}, piece.device);
    return piece.device;
  }

  Backend& inner_;
  std::deque<Piece> pieces_;
  std::deque<std::vector<std::byte*>> tables_;
};

// What a compressor's step reads and writes, with the spans of rings and pages.
struct Completed {
  Completed(Copies& on, const CompleteEntriesArgs& host)
      : kv_rings(on.rings(host.pool.kv_rings, true)),
        gate_rings(on.rings(host.pool.gate_rings, true)),
        pages(on.paged(host.pages, host.pool.runs, host.pool.ratio, true)),
        args(host) {
    args.pool.kv = on.of(host.pool.kv);
    args.pool.gate = on.of(host.pool.gate);
    args.pool.ape = on.of(host.pool.ape);
    args.pool.kv_rings = kv_rings;
    args.pool.gate_rings = gate_rings;
    args.pool.out = on.of(host.pool.out);
    args.weight = on.of(host.weight);
    args.cosine = on.of(host.cosine);
    args.sine = on.of(host.sine);
    args.pages = pages;
  }
  Completed(const Completed&) = delete;
  Completed& operator=(const Completed&) = delete;

  std::vector<Ring> kv_rings;
  std::vector<Ring> gate_rings;
  std::vector<PagedRows> pages;
  CompleteEntriesArgs args;
};

}  // namespace fathom::op_test
