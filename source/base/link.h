// A two-ended sideways edge between objects of different owners: either end's destructor clears
// the other, so neither can be reached after its death. The only kind of non-owning edge that may
// outlive a turn of the event loop (see docs/ARCHITECTURE.md).
//
// Thread: both ends live on one worker.
#pragma once

#include "source/base/check.h"

namespace proxenos::base {

// One end, held as a member by an `Owner`; the far end is a Link<Peer, Owner> member of a `Peer`.
template <typename Owner, typename Peer>
class Link {
 public:
  explicit Link(Owner* owner) : owner_(owner) {}
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() { Clear(); }

  // Joins two free ends.
  void Connect(Link<Peer, Owner>& far) {
    DCHECK(far_ == nullptr && far.far_ == nullptr);
    far_ = &far;
    far.far_ = this;
  }

  void Clear() {
    if (far_ == nullptr) return;
    far_->far_ = nullptr;
    far_ = nullptr;
  }

  // The object at the other end, or nullptr once it is gone.
  Peer* get() const { return far_ == nullptr ? nullptr : far_->owner_; }
  Peer* operator->() const { return get(); }
  explicit operator bool() const { return far_ != nullptr; }

 private:
  template <typename A, typename B>
  friend class Link;

  Owner* const owner_;
  Link<Peer, Owner>* far_ = nullptr;
};

}  // namespace proxenos::base
