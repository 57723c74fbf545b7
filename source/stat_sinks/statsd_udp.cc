// Gathering lines into datagrams, and those into system calls.
#include "source/stat_sinks/statsd_udp.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <utility>

namespace proxenos::stat_sinks {
namespace {

constexpr size_t kGather = 32;

net::UniqueFd MakeSocket(const net::Address& address) {
  socklen_t size = 0;
  const sockaddr_storage to = address.ToSockaddr(&size);
  return net::UniqueFd(::socket(to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

}  // namespace

StatsdUdpSink::StatsdUdpSink(StatsdUdpConfig config, const stats::StatView& view,
                             stats::Registry& registry)
    : config_(std::move(config)),
      lines_(config_.form, config_.prefix, view),
      stats_(registry.Open<stats::StatsdStats>(stats::ScopeName(stats::kStatsdScope, {}))),
      socket_(MakeSocket(config_.address)),
      gathered_(kGather) {}

void StatsdUdpSink::AddLine(absl::string_view line) {
  if (count_ > 0) {
    Datagram& last = gathered_[count_ - 1];
    if (last.bytes.size() + 1 + line.size() <= config_.max_datagram_bytes) {
      last.bytes += '\n';
      last.bytes.append(line.data(), line.size());
      ++last.lines;
      return;
    }
  }
  if (count_ == gathered_.size()) SendGathered();
  Datagram& next = gathered_[count_++];
  next.bytes.assign(line.data(), line.size());
  next.lines = 1;
}

void StatsdUdpSink::SendGathered() {
  socklen_t size = 0;
  sockaddr_storage to = config_.address.ToSockaddr(&size);
  std::array<iovec, kGather> parts;
  std::array<mmsghdr, kGather> messages = {};
  for (size_t i = 0; i < count_; ++i) {
    parts[i] = {gathered_[i].bytes.data(), gathered_[i].bytes.size()};
    messages[i].msg_hdr.msg_name = &to;
    messages[i].msg_hdr.msg_namelen = size;
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  size_t at = 0;
  while (at < count_ && !closed_) {
    const int sent = ::sendmmsg(socket_.get(), &messages[at], static_cast<unsigned>(count_ - at),
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      for (const size_t end = at + static_cast<size_t>(sent); at < end; ++at) {
        stats_->lines_sent.Add(gathered_[at].lines);
      }
    } else if (errno == EMSGSIZE) {
      stats_->lines_dropped.Add(gathered_[at++].lines);  // The others may still be small enough.
    } else if (errno != EINTR) {
      closed_ = true;
    }
  }
  for (; at < count_; ++at) stats_->lines_dropped.Add(gathered_[at].lines);
  count_ = 0;
}

void StatsdUdpSink::Flush(absl::Span<const stats::ScopeReading> readings, base::WallTime) {
  closed_ = false;
  if (!socket_.valid()) socket_ = MakeSocket(config_.address);
  lines_.Encode(readings, [this](absl::string_view line) { AddLine(line); });
  SendGathered();
}

}  // namespace proxenos::stat_sinks
