#include "fathom/store/blob_store.h"

#include <atomic>
#include <condition_variable>
#include <ctime>
#include <deque>
#include <limits>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "fathom/base/error.h"
#include "fathom/store/folder.h"
#include "fathom/store/record_reader.h"
#include "fathom/store/segment_loading.h"
#include "fathom/store/segment_log.h"
#include "fathom/store/segment_table.h"

namespace fathom::store {
namespace {

constexpr int kGoes = 4;  // a blob that is moved while it is read is looked up again

WallClock clock_or_system(WallClock clock) {
  if (clock) return clock;
  return [] { return static_cast<std::int64_t>(std::time(nullptr)); };
}

}  // namespace

// Order of locks: `mutex` before the table's own. A blob is in `pending` until it is in the table: whoever looks there
// first and in the table next misses none.
struct BlobStore::State {
  using SharedBlob = std::shared_ptr<const Blob>;
  struct Job {
    BlobKey key;
    SharedBlob blob;    // to write
    RecordPlace place;  // to erase, when there is no blob
  };
  struct Wish {
    BlobKey key;
    Done done;
  };

  explicit State(StoreOptions given)
      : options(std::move(given)),
        folder((options.limits.validate(), options.folder)),
        warnings(options.warn),
        table(options.limits.bytes),
        budget(folder, warnings, options.limits.bytes_a_day, clock_or_system(options.now)) {
    if (folder.is_shared())
      warnings.say("[store] others may look into " + options.folder.string() + ", which holds what users wrote");
    LoadedSegments loaded = load_segments(folder, table, warnings);
    damaged = loaded.damaged;
    skipped_files = loaded.skipped_files;
    log.emplace(SegmentLog::Parts{folder, table, budget, warnings, log_figures}, options.limits, std::move(loaded));
  }

  void start() {
    threads.emplace_back([this] { write_behind(); });
    for (int reader = 0; reader < options.readers; ++reader) threads.emplace_back([this] { read_wishes(); });
  }

  void stop() {
    std::deque<Wish> left;
    {
      const std::lock_guard lock(mutex);
      stopping = true;
      left.swap(wishes);
    }
    work.notify_all();
    wished.notify_all();
    for (Wish& wish : left) wish.done(std::nullopt);
    for (std::thread& thread : threads) thread.join();
  }

  void write_behind() {
    log->tidy();
    std::unique_lock lock(mutex);
    while (true) {
      work.wait(lock, [this] { return stopping || !jobs.empty(); });
      if (jobs.empty()) break;
      const Job job = std::move(jobs.front());
      jobs.pop_front();
      lock.unlock();
      if (job.blob == nullptr)
        log->erase(job.place);
      else
        write(job);
      lock.lock();
      ++jobs_done;
      idle.notify_all();
    }
    lock.unlock();
    log->close();
  }

  void write(const Job& job) {
    if (!is_pending(job)) {  // erased before it was written
      const std::lock_guard lock(mutex);
      queued_bytes -= std::ssize(*job.blob);
      return;
    }
    if (log->append(job.key, *job.blob) != SegmentLog::Outcome::written) {
      ++dropped_puts;
      takes_from = (std::chrono::steady_clock::now() + options.limits.pause).time_since_epoch().count();
    }
    bool erased = false;
    {
      const std::lock_guard lock(mutex);
      queued_bytes -= std::ssize(*job.blob);
      const auto found = pending.find(job.key);
      erased = found == pending.end() || found->second != job.blob;
      if (!erased) pending.erase(found);
    }
    if (!erased) return;
    if (const std::optional<RecordPlace> place = table.remove(job.key)) log->erase(*place);
  }

  bool is_pending(const Job& job) {
    const std::lock_guard lock(mutex);
    const auto found = pending.find(job.key);
    return found != pending.end() && found->second == job.blob;
  }

  void read_wishes() {
    std::unique_lock lock(mutex);
    while (true) {
      wished.wait(lock, [this] { return stopping || !wishes.empty(); });
      if (stopping) return;
      const Wish wish = std::move(wishes.front());
      wishes.pop_front();
      lock.unlock();
      wish.done(get(wish.key));
      lock.lock();
    }
  }

  std::optional<Blob> get(const BlobKey& key) {
    std::optional<Blob> blob = find(key);
    ++(blob ? read_hits : read_misses);
    if (blob) read_bytes += std::ssize(*blob);
    return blob;
  }

  std::optional<Blob> find(const BlobKey& key) {
    for (int go = 0; go < kGoes; ++go) {
      SharedBlob waiting;
      std::optional<RecordPlace> place;
      {
        const std::lock_guard lock(mutex);
        if (const auto found = pending.find(key); found != pending.end())
          waiting = found->second;
        else
          place = table.find(key, SegmentTable::Use::counts);
      }
      if (waiting) return *waiting;
      if (!place) return std::nullopt;
      RecordRead read = read_record(folder, key, *place);
      if (read.state == ReadState::whole) return std::move(read.body);
      if (read.state == ReadState::refused) {
        warnings.say(Trouble::read_refused, read.fault);
        return std::nullopt;
      }
      forget(key, *place, read);
    }
    return std::nullopt;
  }

  // What could not be read, unless it has gone or moved meanwhile.
  void forget(const BlobKey& key, const RecordPlace& place, const RecordRead& read) {
    const std::lock_guard lock(mutex);
    if (!table.remove(key, place)) return;
    if (read.state == ReadState::missing) {
      const std::int64_t blobs = table.drop_segment(place.segment.number) + 1;
      damaged += blobs;
      warnings.say(Trouble::lost_segment,
                   fmt::format("[store] {} is gone, and {} blobs with it", segment_name(place.segment.number), blobs));
      return;
    }
    if (read.state != ReadState::damaged) return;
    ++damaged;
    warnings.say(Trouble::damaged_blob, read.fault);
    submit({.key = key, .blob = nullptr, .place = place});
  }

  // The mutex is held.
  void submit(Job job) {
    jobs.push_back(std::move(job));
    ++jobs_given;
    work.notify_one();
  }

  const StoreOptions options;
  const Folder folder;
  mutable Warnings warnings;
  mutable SegmentTable table;
  WriteBudget budget;  // the writer's, like the log
  LogFigures log_figures;
  std::optional<SegmentLog> log;

  mutable std::mutex mutex;
  std::condition_variable work, wished, idle;
  std::deque<Job> jobs;
  std::deque<Wish> wishes;
  std::unordered_map<BlobKey, SharedBlob, BlobKeyHash> pending;
  std::int64_t queued_bytes = 0;
  std::int64_t jobs_given = 0;
  std::int64_t jobs_done = 0;
  bool stopping = false;

  std::atomic<std::int64_t> takes_from{std::numeric_limits<std::int64_t>::min()};  // on the steady clock
  std::atomic<std::int64_t> dropped_puts{0}, damaged{0}, skipped_files{0}, read_hits{0}, read_misses{0}, read_bytes{0};
  std::vector<std::thread> threads;
};

BlobStore::BlobStore(StoreOptions options) : state_(std::make_unique<State>(std::move(options))) {
  try {
    state_->start();
  } catch (const std::system_error& error) {
    state_->stop();
    throw InputError("[store] the system refuses a thread: {}", error.what());
  }
}

BlobStore::~BlobStore() { state_->stop(); }

bool BlobStore::put(const BlobKey& key, Blob blob) {
  State& state = *state_;
  const std::lock_guard lock(state.mutex);
  if (state.pending.contains(key) || state.table.find(key, SegmentTable::Use::counts)) return true;
  const std::int64_t bytes = std::ssize(blob);
  if (state.queued_bytes + bytes > state.options.limits.queue_bytes) {
    ++state.dropped_puts;
    return false;
  }
  auto shared = std::make_shared<const Blob>(std::move(blob));
  state.queued_bytes += bytes;
  state.pending.emplace(key, shared);
  state.submit({.key = key, .blob = std::move(shared), .place = {}});
  return true;
}

bool BlobStore::takes(std::int64_t bytes) const {
  if (std::chrono::steady_clock::now().time_since_epoch().count() < state_->takes_from) return false;
  const std::lock_guard lock(state_->mutex);
  return state_->queued_bytes + bytes <= state_->options.limits.queue_bytes;
}

bool BlobStore::renew(const BlobKey& key) {
  const std::lock_guard lock(state_->mutex);
  return state_->pending.contains(key) || state_->table.find(key, SegmentTable::Use::counts);
}

bool BlobStore::contains(const BlobKey& key) const {
  const std::lock_guard lock(state_->mutex);
  return state_->pending.contains(key) || state_->table.find(key, SegmentTable::Use::does_not_count);
}

std::optional<BlobStore::Blob> BlobStore::get(const BlobKey& key) { return state_->get(key); }

void BlobStore::read_ahead(const BlobKey& key, Done done) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->wishes.push_back({.key = key, .done = std::move(done)});
  }
  state_->wished.notify_one();
}

void BlobStore::erase(const BlobKey& key) {
  const std::lock_guard lock(state_->mutex);
  state_->pending.erase(key);
  if (const std::optional<RecordPlace> place = state_->table.remove(key))
    state_->submit({.key = key, .blob = nullptr, .place = *place});
}

void BlobStore::flush() {
  std::unique_lock lock(state_->mutex);
  const std::int64_t given = state_->jobs_given;
  state_->idle.wait(lock, [&] { return state_->jobs_done >= given; });
}

StoreFigures BlobStore::figures() const {
  const State& state = *state_;
  StoreFigures figures{.bytes = state.table.bytes(),
                       .blobs = state.table.blobs(),
                       .blob_bytes = state.table.blob_bytes(),
                       .written_bytes = state.log_figures.written_bytes,
                       .written_today = state.log_figures.written_today,
                       .dropped_puts = state.dropped_puts,
                       .evicted_blobs = state.log_figures.evicted_blobs,
                       .evicted_segments = state.log_figures.evicted_segments,
                       .moved_blobs = state.log_figures.moved_blobs,
                       .damaged = state.damaged,
                       .skipped_files = state.skipped_files,
                       .refused_writes = state.log_figures.refused_writes,
                       .read_hits = state.read_hits,
                       .read_misses = state.read_misses,
                       .read_bytes = state.read_bytes};
  const std::lock_guard lock(state.mutex);
  figures.queued_bytes = state.queued_bytes;
  return figures;
}

}  // namespace fathom::store
