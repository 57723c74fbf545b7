// Reading within bounds, answering, and the end of both.
#include "source/downstream/datagram_receiver.h"

#include <sys/epoll.h>

#include <utility>

#include "absl/strings/string_view.h"

namespace proxenos::downstream {
namespace {

// Of one socket in one turn: 64 datagrams, so that a flood delays others by some dozen
// microseconds.
constexpr int kMaxReads = 4;

}  // namespace

DatagramReceiver::Socket::Socket(DatagramReceiver& receiver, uint32_t number, net::UniqueFd fd)
    : receiver_(receiver),
      number_(number),
      bound_(net::Address::LocalOf(fd.get())),
      any_address_(net::IsAnyAddress(bound_)),
      kernel_dropped_(net::DroppedByKernel(fd.get())),
      fd_(std::move(fd)) {
  receiver_.loop().WatchLevel(fd_.get(), EPOLLIN, this);
}

DatagramReceiver::Socket::~Socket() = default;

void DatagramReceiver::Socket::OnIo(uint32_t) {
  for (int i = 0; i < kMaxReads && reading_; ++i) {
    const net::DatagramReader::Result read = receiver_.reader_.Read(fd_.get());
    if (read.error != 0) receiver_.service_->OnReceiveError();
    Deliver(read);
    if (!read.more) return;
  }
}

void DatagramReceiver::Socket::Deliver(const net::DatagramReader::Result& read) {
  uint32_t dropped = read.too_long;
  if (read.dropped_by_kernel) {
    dropped += *read.dropped_by_kernel - kernel_dropped_;  // It may pass 2^32.
    kernel_dropped_ = *read.dropped_by_kernel;
  }
  if (dropped != 0) receiver_.stats_->downstream_rx_datagram_dropped.Add(dropped);
  for (const net::Datagram& each : read.datagrams) {
    if (!any_address_ || !each.local.is_ip()) {
      receiver_.service_->OnDatagram({each.bytes, each.peer, bound_, number_});
    } else {
      receiver_.service_->OnDatagram(
          {each.bytes, each.peer, each.local.WithPort(bound_.port()), number_});
    }
  }
}

net::UniqueFd DatagramReceiver::Socket::Release() {
  net::UniqueFd own = fd_.Duplicate();
  if (fd_.valid()) receiver_.loop().Unwatch(fd_.get());
  reading_ = false;
  return std::exchange(fd_, std::move(own));
}

void DatagramReceiver::Socket::Close() {
  if (reading_ && fd_.valid()) receiver_.loop().Unwatch(fd_.get());
  reading_ = false;
  fd_ = net::UniqueFd();
}

void DatagramReceiver::Socket::Listen(bool on) {
  if (reading_ && fd_.valid()) {
    receiver_.loop().ChangeLevel(fd_.get(), on ? uint32_t{EPOLLIN} : 0u, this);
  }
}

bool DatagramReceiver::Socket::Send(absl::string_view bytes, const net::Address& local,
                                    const net::Address& peer) {
  return fd_.valid() &&
         net::SendDatagram(fd_.get(), bytes, peer, any_address_ ? &local : nullptr) == 0;
}

DatagramReceiver::DatagramReceiver(Parts parts, const DatagramConfig& config,
                                   const std::string& address, std::vector<net::UniqueFd> sockets)
    : environment_(parts.environment),
      stats_(parts.registry.Open<stats::UdpListenerStats>(
          stats::ScopeName(stats::kUdpListenerScope, {address}))),
      reader_(config.max_bytes),
      service_(config.terminal->MakeService({*this, parts.environment, parts.registry})) {
  for (net::UniqueFd& socket : sockets) {
    const auto number = static_cast<uint32_t>(sockets_.size());
    sockets_.push_back(std::make_unique<Socket>(*this, number, std::move(socket)));
  }
  parts.services.PushBack(service_.get());
}

DatagramReceiver::~DatagramReceiver() { service_->CloseAll(); }

void DatagramReceiver::Close() {
  service_->CloseAll();
  for (auto& socket : sockets_) {
    socket->Close();
    loop().Retire(std::move(socket));  // Its event of this turn may still be to come.
  }
  sockets_.clear();
}

std::vector<net::UniqueFd> DatagramReceiver::Release() {
  std::vector<net::UniqueFd> released;
  for (auto& socket : sockets_) released.push_back(socket->Release());
  return released;
}

void DatagramReceiver::Hold(bool on) {
  for (auto& socket : sockets_) socket->Listen(!on);
}

bool DatagramReceiver::Send(uint32_t socket, absl::string_view bytes, const net::Address& local,
                            const net::Address& peer) {
  return socket < sockets_.size() && sockets_[socket]->Send(bytes, local, peer);
}

}  // namespace proxenos::downstream
