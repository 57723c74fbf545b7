// One thread a connection, polling both ends.
#include "test/chaos/broken_wire.h"

#include <poll.h>

#include <string>
#include <utility>

namespace proxenos::testing {
namespace {

// How soon a frozen connection notices that it may go on.
constexpr int kTickMs = 5;

bool Move(Socket& from, Socket& to) {
  std::string bytes;
  return from.ReadSome(bytes) == Socket::Read::kBytes && to.Send(bytes);
}

}  // namespace

BrokenWire::BrokenWire(uint16_t target) : target_(target) { Listen(); }

BrokenWire::~BrokenWire() {
  if (listener_.has_value()) Refuse();
  Reap();
}

void BrokenWire::Listen() {
  listener_.emplace(port_);
  port_ = listener_->port();
  acceptor_ = std::thread([this] { TakeConnections(); });
}

void BrokenWire::Cut() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (Pair& pair : pairs_) pair.cut = true;
  }
  Reap();
}

void BrokenWire::Refuse() {
  if (!listener_.has_value()) return;
  listener_->Abort();
  acceptor_.join();
  listener_.reset();
  Cut();
}

void BrokenWire::Accept() {
  if (!listener_.has_value()) Listen();
}

void BrokenWire::TakeConnections() {
  for (;;) {
    Socket near = listener_->Accept();
    if (!near.valid()) return;
    Socket far = Socket::Connect(target_);
    if (!far.valid()) continue;  // Closes what came.
    const std::lock_guard<std::mutex> lock(mutex_);
    Pair& pair = pairs_.emplace_back();
    pair.near = std::move(near);
    pair.far = std::move(far);
    pair.thread = std::thread([this, &pair] { Carry(pair); });
  }
}

void BrokenWire::Carry(Pair& pair) {
  bool open = true;
  while (open && !pair.cut) {
    if (frozen_) {
      poll(nullptr, 0, kTickMs);
      continue;
    }
    pollfd ends[] = {{pair.near.fd(), POLLIN, 0}, {pair.far.fd(), POLLIN, 0}};
    if (poll(ends, 2, kTickMs) <= 0 || frozen_) continue;
    if (ends[0].revents != 0) open = Move(pair.near, pair.far);
    if (open && ends[1].revents != 0) open = Move(pair.far, pair.near);
  }
  pair.near.Close();
  pair.far.Close();
  const std::lock_guard<std::mutex> lock(mutex_);
  pair.ended = true;
}

void BrokenWire::Reap() {
  std::list<Pair> gone;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto it = pairs_.begin(); it != pairs_.end();) {
      const auto next = std::next(it);
      if (it->cut || it->ended) gone.splice(gone.end(), pairs_, it);
      it = next;
    }
  }
  for (Pair& pair : gone) pair.thread.join();
}

}  // namespace proxenos::testing
