// AdminConnection: one client of the admin interface: decodes its requests, has the table answer
// them one after another, and writes the answers as fast as the client takes them.
//
//   kOpen --> kClosing (flush, then close) --> kLingering (end sent; the peer's is awaited) -->
//   kClosed
//
// A client may speak HTTP/2 instead, by prior knowledge; admin_http2.h then has the streams.
//
// Not the data plane's HttpConnection: no filters, no routes, bodies whole. At most
// AdminLimits::max_connections exist, so it need not be small.
//
// Owner: its AdminServer's list. Thread: main. Dies when: the server retires it.
#pragma once

#include <memory>
#include <string>

#include "source/admin/admin_server.h"
#include "source/base/intrusive_list.h"
#include "source/buffer/arena.h"
#include "source/event/event_loop.h"
#include "source/filter/stream_info.h"
#include "source/http1/decoder.h"
#include "source/net/connection.h"

namespace proxenos::admin {

class AdminHttp2;

class AdminConnection final : public event::IoHandler,
                              public event::TurnEnd,
                              public base::ListNode<>,
                              private http::RequestVisitor {
 public:
  AdminConnection(AdminServer& server, int fd, const net::Address& remote);
  ~AdminConnection() override;

  void OnIo(uint32_t events) override;
  void OnTurnEnd() override;
  void Close(bool by_peer);
  // Whether no request is under way.
  bool idle() const;
  // Which HTTP it speaks; neither before the first bytes.
  bool http2() const { return http2_ != nullptr; }
  bool chosen() const { return chosen_; }

 private:
  enum class State : uint8_t { kOpen, kClosing, kLingering, kClosed };

  // A request and its response.
  struct Exchange {
    buffer::Arena arena;
    http::RequestHead request{arena};
    http::HeaderMap trailers{arena};
    http::ResponseHead response{arena};
    buffer::Slice head_bytes;
    std::string body;
    bool has_head = false;
    bool continued = false;  // 100 Continue was sent.
    bool responding = false;
    bool close = false;  // After the response.
    std::string out;     // The response's body.
    size_t out_done = 0;
    filter::StreamInfo info;
  };

  // http::RequestVisitor: deposits only.
  http::RequestHead& OnMessageBegin() override;
  void OnHead(buffer::Slice head_bytes) override;
  void OnBody(buffer::Slice data) override;
  http::HeaderMap& OnTrailersBegin() override;
  void OnTrailers(buffer::Slice trailer_bytes) override;
  void OnComplete() override;

  bool WantsBytes() const;
  void ReadRequests();
  // Decodes what arrived. False when no more should be read now.
  bool Feed(buffer::Slice bytes);
  // False: more bytes are needed to tell.
  bool Choose(const buffer::Slice& bytes);
  bool FeedHttp2(const buffer::Slice& bytes);
  // Something moved on a connection of HTTP/2.
  void Touch();
  // Answers what needs no complete request to be refused.
  bool RefuseEarly();
  void Respond(Response response, bool close);
  // Fills out() and writes it. False: nothing more can be done in this turn.
  bool Write();
  void EndExchange();
  void StartClosing();
  void Discard();
  void OnTimer();

  AdminServer& server_;
  net::Connection connection_;
  event::Timer timer_;
  http1::RequestDecoder decoder_;
  filter::ConnectionInfo info_;
  const base::MonoTime created_;
  std::unique_ptr<Exchange> exchange_;
  std::unique_ptr<AdminHttp2> http2_;  // Null: it speaks HTTP/1.1.
  bool chosen_ = false;                // Which of the two.
  State state_ = State::kOpen;
};

}  // namespace proxenos::admin
