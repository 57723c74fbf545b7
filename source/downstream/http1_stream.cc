// HTTP/1.1 on either side of a Stream.
#include "source/downstream/http1_stream.h"

#include <algorithm>
#include <utility>

#include "source/downstream/http1_connection.h"
#include "source/http1/encoder.h"

namespace proxenos::downstream {

using http::Framing;
using http1::DecodeResult;

Http1Stream::Http1Stream(Http1Connection& connection)
    : connection_(connection),
      stream_(connection, *this, Stream::Deposits::kRunByCarrier),
      decoder_(connection.config().decoder, stream_) {
  const http::NameStyle names = connection.config().http1_names;
  if (http::KeepsSpellings(names)) {
    stream_.request.spellings = http::NameSpellings::Make(names, stream_.arena);
  }
}

Http1Stream::~Http1Stream() = default;

DecodeResult Http1Stream::Receive(buffer::Slice& bytes) {
  const uint32_t before = bytes.size();
  const DecodeResult result = decoder_.Decode(bytes);
  // Of what is refused all came.
  const uint32_t left = result == DecodeResult::kError ? 0 : bytes.size();
  stream_.info.downstream_wire_bytes_received += before - left;
  if (result == DecodeResult::kError) stream_.RefuseMessage(decoder_.error());
  stream_.Run();
  return result;
}

bool Http1Stream::OnPeerEnd() {
  if (decoder_.OnEof() != DecodeResult::kMessageComplete) return false;
  stream_.Run();
  return true;
}

void Http1Stream::CountSent(uint64_t before) {
  stream_.info.downstream_wire_bytes_sent += connection_.out().size() - before;
}

void Http1Stream::OnBegin() { connection_.OnStreamBegin(); }

void Http1Stream::SendInformational(const http::ResponseHead& head) {
  if (stream_.request.version == http::Version::kHttp10) return;  // RFC 9110, 15.2.
  const uint64_t before = connection_.out().size();
  http1::ResponseOptions options;
  options.names = connection_.config().http1_names;
  http1::EncodeResponseHead(head, options, connection_.out());
  CountSent(before);
  connection_.WantFlush();
}

Framing::Kind Http1Stream::SendHead(http::ResponseHead& head, bool) {
  const http::RequestHead& request = stream_.request;
  const bool is_tunnel = head.framing.kind == Framing::kTunnel;
  // An origin that was asked by extended CONNECT (RFC 8441) does not repeat the protocol.
  if (is_tunnel && head.status == 101 && head.upgrade.empty()) head.upgrade = request.upgrade;
  const bool refused = stream_.tunnel() && !is_tunnel;
  if (refused) decoder_.RefuseTunnel();
  if (connection_.draining()) connection_.stats().downstream_cx_drain_close.Inc();
  close_after_ = !request.keep_alive || connection_.draining() || connection_.LastRequest() ||
                 connection_.Outlived() || refused || !stream_.request_complete();
  if (is_tunnel) close_after_ = false;
  http1::ResponseOptions options;
  options.close = close_after_;
  options.to_http10 = request.version == http::Version::kHttp10;
  options.to_head = request.method == http::Method::kHead;
  options.names = connection_.config().http1_names;
  const uint64_t before = connection_.out().size();
  framing_ = http1::EncodeResponseHead(head, options, connection_.out());
  if (framing_ == Framing::kUntilClose || is_tunnel) close_after_ = true;
  stream_.info.response_header_bytes = connection_.out().size() - before;
  CountSent(before);
  connection_.WantFlush();
  return framing_;
}

uint64_t Http1Stream::SendBody(buffer::Buffer& body) {
  buffer::Buffer& out = connection_.out();
  const uint64_t take = std::min(body.size(), connection_.Room());
  if (take == 0) return 0;
  const uint64_t before = out.size();
  if (framing_ == Framing::kChunked) {
    buffer::Buffer chunk;
    chunk.AppendFrom(body, take);
    http1::AppendChunk(chunk, out);
  } else if (take == body.size()) {
    out.Append(std::move(body));
  } else {
    out.AppendFrom(body, take);
  }
  CountSent(before);
  connection_.WantFlush();
  return take;
}

void Http1Stream::SendEnd(const http::HeaderMap* trailers) {
  if (framing_ == Framing::kChunked) {
    // Http1ProtocolOptions.enable_trailers stands for both directions.
    const bool pass = connection_.config().decoder.enable_trailers;
    const uint64_t before = connection_.out().size();
    http1::AppendLastChunk(pass ? trailers : nullptr, connection_.out());
    CountSent(before);
  }
  connection_.WantFlush();
}

void Http1Stream::ReadOn() { connection_.WantRead(); }

void Http1Stream::RefuseTunnel() { decoder_.RefuseTunnel(); }

void Http1Stream::End(bool abort) {
  const bool unfinished = !stream_.request_complete() && !stream_.tunnel();
  connection_.EndStream(close_after_ || unfinished || abort, abort);
}

}  // namespace proxenos::downstream
