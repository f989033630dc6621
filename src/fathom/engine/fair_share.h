// Who goes first, so that everyone who wants the machine gets the same of it: the one who has been served least.
// Whoever comes new, or comes back, starts level with the least served of those who are there: waiting earns no credit.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>

namespace fathom {

template <class Key>
class FairShare {
 public:
  // A key may join several times; it is there until it left as often.
  void join(const Key& key) {
    raise_floor();
    Member& member = members_[key];
    if (member.joined++ == 0) member.served = std::max(member.served, floor_);
  }
  void leave(const Key& key) {
    const auto found = members_.find(key);
    if (found == members_.end() || found->second.joined == 0) return;
    --found->second.joined;
    raise_floor();
  }
  // Of a key that is there, as below.
  void charge(const Key& key, double cost) { members_.at(key).served += cost; }
  double served(const Key& key) const { return members_.at(key).served; }
  std::int64_t remembered() const { return std::ssize(members_); }

 private:
  struct Member {
    double served = 0.0;
    std::int64_t joined = 0;
  };

  // floor_: the least that anyone present has been served. What those who left are owed below it is forgotten; what
  // they took above it is remembered, so that leaving and coming back gains nothing.
  void raise_floor() {
    bool anyone = false;
    double least = 0.0;
    double most = floor_;
    for (const auto& [key, member] : members_) {
      most = std::max(most, member.served);
      if (member.joined == 0) continue;
      least = anyone ? std::min(least, member.served) : member.served;
      anyone = true;
    }
    floor_ = std::max(floor_, anyone ? least : most);
    std::erase_if(members_,
                  [&](const auto& entry) { return entry.second.joined == 0 && entry.second.served <= floor_; });
  }

  std::map<Key, Member> members_;
  double floor_ = 0.0;
};

}  // namespace fathom
