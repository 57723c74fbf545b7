// Http2Client: an HTTP/2 client on a Peer's socket: sends what a test wants, keeps what comes back,
// and credits bytes only when told to. Nothing happens but in Pump.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "source/http2/session.h"
#include "test/support/http_text.h"
#include "test/support/proxy_loop.h"

namespace proxenos::testing {

// Owner: the test.
class Http2Client final : public http2::ClientVisitor {
 public:
  // What has come of one response.
  class Response final : public http::ResponseVisitor {
   public:
    int status() const { return head_.status; }
    std::string Header(absl::string_view name) const;
    std::string Trailer(absl::string_view name) const;
    std::string body;
    int informational = 0;  // How many, and the status of the last.
    int last_informational = 0;
    bool has_head = false;
    bool complete = false;
    bool closed = false;
    std::optional<http2::ErrorCode> reset;  // By the proxy.
    bool hold_credit = false;
    uint64_t uncredited = 0;

   private:
    friend class Http2Client;
    http::ResponseHead& OnMessageBegin() override;
    void OnInformational(buffer::Slice) override;
    void OnHead(buffer::Slice) override { has_head = true; }
    void OnBody(buffer::Slice data) override;
    http::HeaderMap& OnTrailersBegin() override { return trailers_; }
    void OnTrailers(buffer::Slice) override {}
    void OnComplete() override { complete = true; }

    buffer::Arena arena_;
    http::ResponseHead head_{arena_};
    http::HeaderMap trailers_{arena_};
    Http2Client* client_ = nullptr;
    http2::StreamId id_ = 0;
    buffer::Buffer unsent_;  // Of the request.
    bool unsent_end_ = false;
  };

  explicit Http2Client(Peer peer, const http2::Options& options = http2::Options());

  // Begins a request with `:authority` test.example; `end`: without a body.
  http2::StreamId Send(absl::string_view method, absl::string_view path, bool end = true,
                       const Fields& fields = {});
  // An extended CONNECT (RFC 8441).
  http2::StreamId Upgrade(absl::string_view path, absl::string_view protocol,
                          const Fields& fields = {});
  http2::StreamId Get(absl::string_view path) { return Send("GET", path); }
  // More of a body; what the windows do not allow leaves later.
  void SendBody(http2::StreamId id, absl::string_view bytes, bool end);
  // Of that stream's request body: what has not left.
  uint64_t Unsent(http2::StreamId id) { return responses_.at(id)->unsent_.size(); }
  void GiveCredit(http2::StreamId id);

  // Sends and receives what there is.
  void Pump();
  // The same, as long as the proxy takes turns, until `holds`.
  [[nodiscard]] bool Until(ProxyLoop& proxy, absl::FunctionRef<bool()> holds);
  [[nodiscard]] bool Completes(ProxyLoop& proxy, http2::StreamId id) {
    return Until(proxy, [&] { return Of(id).complete; });
  }

  Response& Of(http2::StreamId id) { return *responses_.at(id); }
  http2::ClientSession& session() { return session_; }
  Peer& peer() { return peer_; }
  int goaways() const { return goaways_; }
  http2::StreamId last_goaway() const { return last_goaway_; }
  bool broken() const { return broken_; }

 private:
  http2::StreamId Begin(const http::RequestHead& head, bool end);
  void OnReset(http2::StreamId stream, http2::ErrorCode code, bool by_peer) override;
  void OnClosed(http2::StreamId stream) override;
  void OnRoom(http2::StreamId) override {}
  void OnGoAway(http2::StreamId last, http2::ErrorCode) override;
  void OnPong(uint64_t) override {}
  void OnSettings() override {}

  Peer peer_;
  const http2::Options options_;
  stats::Http2Stats stats_;
  http2::ClientSession session_;
  std::map<http2::StreamId, std::unique_ptr<Response>> responses_;
  buffer::Buffer out_;
  int goaways_ = 0;
  http2::StreamId last_goaway_ = 0;
  bool broken_ = false;
};

}  // namespace proxenos::testing
