#include "fathom/server/aside.h"

#include <algorithm>
#include <utility>

#include "fathom/api/hosted_errors.h"

namespace fathom::server {
namespace {

constexpr int kWorkersToOne = 4;
constexpr int kLeastThreads = 2;    // a large count keeps one
constexpr double kRetrySoon = 1.0;  // some request ends, nobody knows when

}  // namespace

Aside::Aside(int workers, std::int64_t per_account)
    : per_account_(per_account), workers_(std::max(kLeastThreads, workers / kWorkersToOne)) {}

std::shared_ptr<Aside::Place> Aside::enter(const std::string& account) {
  const std::scoped_lock lock(mutex_);
  std::int64_t& inside = inside_[account];
  if (inside >= per_account_) throw api::too_many_requests(inside + 1, per_account_, kRetrySoon);
  ++inside;
  return std::shared_ptr<Place>(new Place(*this, account));
}

void Aside::Place::leave() {
  Aside* aside = std::exchange(aside_, nullptr);
  if (aside == nullptr) return;
  const std::scoped_lock lock(aside->mutex_);
  const auto found = aside->inside_.find(account_);
  if (--found->second == 0) aside->inside_.erase(found);
}

}  // namespace fathom::server
