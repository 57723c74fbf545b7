// AdminHttp2: the requests of an admin client that speaks HTTP/2, by prior knowledge (RFC 9113,
// section 3.3): gRPC methods of the table, and its pages as over HTTP/1.1.
//
// A stream is looked at after the session has taken what arrived, never from inside of it. Each
// holds at most one answer: the next message of a gRPC stream is looked at once the answer to the
// one before has left.
//
// Owner: the AdminConnection, which moves the bytes. Thread: main.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/admin/admin_server.h"
#include "source/buffer/arena.h"
#include "source/buffer/buffer.h"
#include "source/filter/stream_info.h"
#include "source/http2/session.h"
#include "source/rpc/frame.h"
#include "source/stats/http2_stats.h"

namespace proxenos::admin {

class AdminHttp2 final : private http2::ServerVisitor {
 public:
  AdminHttp2(AdminServer& server, const filter::ConnectionInfo& info);
  ~AdminHttp2() override;

  // False: the connection is broken; it closes once what Produce gives was sent.
  bool Receive(const buffer::Slice& bytes);
  // Appends what wants to leave to `out`, until it holds `limit` bytes.
  void Produce(buffer::Buffer& out, uint64_t limit);
  bool wants_write() const { return session_.wants_write(); }
  bool finished() const { return session_.finished(); }
  // Whether no request waits for its answer. Streams may be open all the same.
  bool idle() const;
  size_t stream_count() const { return streams_.size(); }
  // The connection closes.
  void CutStreams();

 private:
  class Stream;

  // http2::ServerVisitor: deposits.
  http::RequestVisitor* OnStreamBegin(http2::StreamId id) override;
  void OnHeadRefused(http2::StreamId id, http::CodecError error) override;
  void OnReset(http2::StreamId id, http2::ErrorCode code, bool by_peer) override;
  void OnClosed(http2::StreamId id) override;
  void OnRoom(http2::StreamId) override {}
  void OnGoAway(http2::StreamId, http2::ErrorCode) override {}
  void OnPong(uint64_t) override {}

  // Has each stream do what it can, and lets go of those that are over.
  void Advance();

  AdminServer& server_;
  const filter::ConnectionInfo& info_;
  const http2::Options options_;
  stats::Group<stats::Http2Stats> stats_;
  http2::ServerSession session_;
  absl::flat_hash_map<http2::StreamId, std::unique_ptr<Stream>> streams_;
  std::vector<http2::StreamId> closed_;
  bool broken_ = false;
};

}  // namespace proxenos::admin
