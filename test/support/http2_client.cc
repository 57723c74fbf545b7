// The client's session on a socket that never blocks.
#include "test/support/http2_client.h"

namespace proxenos::testing {

std::string Http2Client::Response::Header(absl::string_view name) const {
  const http::Header* header = head_.headers.Find(name);
  return header == nullptr ? "" : std::string(header->value());
}

std::string Http2Client::Response::Trailer(absl::string_view name) const {
  const http::Header* header = trailers_.Find(name);
  return header == nullptr ? "" : std::string(header->value());
}

http::ResponseHead& Http2Client::Response::OnMessageBegin() {
  head_.headers.Clear();
  return head_;
}

void Http2Client::Response::OnInformational(buffer::Slice) {
  ++informational;
  last_informational = head_.status;
}

void Http2Client::Response::OnBody(buffer::Slice data) {
  body.append(data.data(), data.size());
  if (hold_credit) {
    uncredited += data.size();
  } else {
    client_->session_.Consume(id_, data.size());
  }
}

Http2Client::Http2Client(Peer peer, const http2::Options& options)
    : peer_(std::move(peer)), options_(options), session_(options_, stats_, *this) {}

http2::StreamId Http2Client::Send(absl::string_view method, absl::string_view path, bool end,
                                  const Fields& fields) {
  buffer::Arena arena;
  http::RequestHead head(arena);
  head.method_text = arena.Copy(method);
  head.method = http::ParseMethod(method);
  head.version = http::Version::kHttp2;
  head.path = arena.Copy(path);
  head.authority = "test.example";
  head.scheme = "http";
  head.framing.kind = end ? http::Framing::kNone : http::Framing::kChunked;
  for (const auto& [name, value] : fields) head.headers.Add(name, value);
  return Begin(head, end);
}

http2::StreamId Http2Client::Upgrade(absl::string_view path, absl::string_view protocol,
                                     const Fields& fields) {
  buffer::Arena arena;
  http::RequestHead head(arena);
  head.method_text = "GET";
  head.version = http::Version::kHttp2;
  head.path = arena.Copy(path);
  head.authority = "test.example";
  head.scheme = "http";
  head.upgrade = arena.Copy(protocol);
  head.framing.kind = http::Framing::kTunnel;
  for (const auto& [name, value] : fields) head.headers.Add(name, value);
  return Begin(head, /*end=*/false);
}

http2::StreamId Http2Client::Begin(const http::RequestHead& head, bool end) {
  auto response = std::make_unique<Response>();
  const http2::StreamId id = session_.SendHead(head, end, *response);
  response->client_ = this;
  response->id_ = id;
  responses_[id] = std::move(response);
  return id;
}

void Http2Client::SendBody(http2::StreamId id, absl::string_view bytes, bool end) {
  Response& response = Of(id);
  response.unsent_.Append(bytes);
  response.unsent_end_ = end;
}

void Http2Client::GiveCredit(http2::StreamId id) {
  Response& response = Of(id);
  session_.Consume(id, std::exchange(response.uncredited, 0));
}

void Http2Client::Pump() {
  for (auto& [id, response] : responses_) {
    if (response->closed || (response->unsent_.empty() && !response->unsent_end_)) continue;
    if (session_.SendBody(id, response->unsent_, response->unsent_end_, nullptr)) {
      response->unsent_end_ = false;
    }
  }
  session_.Produce(out_, 256 * 1024);
  while (!out_.empty()) {
    const size_t sent = peer_.Send(out_.front().view());
    if (sent == 0) break;
    out_.Drain(sent);
  }
  const std::string received = peer_.Received();
  peer_.Forget();
  if (!received.empty() && !broken_) {
    broken_ = !session_.Receive(buffer::Slice::Copy(received));
  }
}

bool Http2Client::Until(ProxyLoop& proxy, absl::FunctionRef<bool()> holds) {
  return proxy.Until([&] {
    Pump();
    return holds();
  });
}

void Http2Client::OnReset(http2::StreamId stream, http2::ErrorCode code, bool by_peer) {
  if (by_peer) Of(stream).reset = code;
}

void Http2Client::OnClosed(http2::StreamId stream) { Of(stream).closed = true; }

void Http2Client::OnGoAway(http2::StreamId last, http2::ErrorCode) {
  ++goaways_;
  last_goaway_ = last;
}

}  // namespace proxenos::testing
