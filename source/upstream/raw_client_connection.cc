// Bytes to and from a host, as they are.
#include "source/upstream/raw_client_connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "source/base/limits.h"
#include "source/upstream/pool.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::upstream {

using net::FlushStatus;
using net::ReadStatus;

RawClientConnection::RawClientConnection(HostPool& pool, Established established)
    : ClientConnection(pool, std::move(established), http::Version::kHttp11),
      ClientStream(static_cast<ClientConnection&>(*this)) {
  free_ = 1;
}

bool RawClientConnection::Begin(Exchange& exchange) {
  DCHECK(requests_ == 0 && !closed());
  active_ = 1;
  free_ = 0;
  ++requests_;
  exchange_.Connect(exchange.stream);
  // What the host says first waits perhaps already.
  if (connection_.may_read()) pool().cluster().loop().AtTurnEnd(this);
  return true;
}

void RawClientConnection::CloseWhenDone() {
  if (active_ == 0) Close();
}

uint64_t RawClientConnection::Room() const {
  const uint64_t waiting = connection_.out().size();
  const uint64_t limit = pool().cluster().write_limit();
  return waiting >= limit ? 0 : limit - waiting;
}

bool RawClientConnection::SendBody(buffer::Buffer& body, bool end, const http::HeaderMap*) {
  const uint64_t take = std::min<uint64_t>(body.size(), Room());
  if (take == body.size()) {
    connection_.out().Append(std::move(body));
  } else {
    connection_.out().AppendFrom(body, take);
  }
  want_room_ = !body.empty();
  if (!want_room_ && end) sent_all_ = true;
  pool().cluster().loop().AtTurnEnd(this);
  return !want_room_;
}

void RawClientConnection::OnIo(uint32_t events) {
  if (closed()) return;
  connection_.Note(events);
  if ((events & EPOLLOUT) != 0 && !connection_.out().empty()) {
    pool().cluster().loop().AtTurnEnd(this);
  }
  if ((events & ~static_cast<uint32_t>(EPOLLOUT)) == 0) return;
  if (active_ == 0) {
    CloseByRemote();  // Nobody is there to be told what it says.
    return;
  }
  ReadOn();
}

void RawClientConnection::ReadOn() {
  uint32_t read = 0;
  for (int reads = 0; reads < base::limits::kMaxReadsPerEvent && !ended_; ++reads) {
    Exchange& exchange = *exchange_.get();
    if (exchange.body.size() >= exchange.body_limit || !connection_.may_read()) return;
    buffer::Slice bytes;
    switch (connection_.Read(&bytes)) {
      case ReadStatus::kNothing:
        return;
      case ReadStatus::kBytes:
        pool().cluster().stats().upstream_cx_rx_bytes_total.Add(bytes.size());
        read += bytes.size();
        if (read >= base::limits::kBulkBytes) pool().cluster().loop().Hurry();
        exchange.any_bytes = true;
        exchange.wire_bytes_received += bytes.size();
        exchange.body.Append(std::move(bytes));
        break;
      case ReadStatus::kEnd:
        exchange.end = ended_ = true;
        if (shut_) {
          Finish(/*by_remote=*/true);
          return;
        }
        break;
      case ReadStatus::kError:
        Fail();
        return;
    }
    exchange.OnProgress();
  }
  // More than one round's share: the rest is read in the next, behind other connections.
  if (!ended_ && connection_.may_read()) pool().cluster().loop().AtTurnEnd(this);
}

void RawClientConnection::OnTurnEnd() {
  if (closed() || active_ == 0) return;
  const FlushStatus status = Flush();
  if (status == FlushStatus::kError) {
    // What the host sent before it broke the connection is the client's.
    ReadOn();
    if (!closed()) Fail();
    return;
  }
  if (status == FlushStatus::kDone && sent_all_ && !shut_) {
    shut_ = true;
    if (ended_) {
      Finish(/*by_remote=*/false);
      return;
    }
    connection_.ShutdownWrite();
  }
  if (want_room_ && Room() > 0) exchange_->OnProgress();
  if (!connection_.may_read()) return;
  if (pool().cluster().loop().hurrying()) {
    pool().cluster().loop().AtTurnEnd(this);  // What another connection has read goes first.
  } else {
    ReadOn();
  }
}

void RawClientConnection::Finish(bool by_remote) {
  Exchange& exchange = *exchange_.get();
  exchange.state = Exchange::State::kDone;
  exchange_.Clear();
  exchange.OnProgress();
  if (by_remote) {
    CloseByRemote();
  } else {
    Close();
  }
}

void RawClientConnection::Fail() {
  EndByReset(ResetReason::kRemoteClosed, "");
  CloseByRemote();
}

void RawClientConnection::BodyTaken(uint64_t) {
  if (connection_.may_read()) pool().cluster().loop().AtTurnEnd(this);
}

void RawClientConnection::Abandon() {
  exchange_.Clear();
  Close();
}

void RawClientConnection::AbandonByReset() {
  reset_ = true;
  Abandon();
}

}  // namespace proxenos::upstream
