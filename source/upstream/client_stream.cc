// What all upstream protocols do with a response: put it where the exchange's owner looks.
#include "source/upstream/client_stream.h"

#include <new>
#include <utility>

#include "source/upstream/client_connection.h"
#include "source/upstream/exchange_notes.h"

namespace proxenos::upstream {
namespace {

// Interim responses that wait for their owner at once; those beyond it are dropped.
constexpr uint32_t kMaxInformational = 8;

// The codec's storage is used again for the head that follows: an interim one moves out.
Informational* Copy(const http::ResponseHead& from, buffer::Arena& arena) {
  auto* copy = new (arena.Allocate(sizeof(Informational))) Informational(arena);
  copy->head.status = from.status;
  copy->head.spellings = from.spellings;  // In the same arena.
  for (const http::Header& field : from.headers) {
    if (field.id != http::HeaderId::kUnknown) {
      copy->head.headers.Add(field.id, field.value());
    } else {
      copy->head.headers.Add(field.name(), field.value());
    }
  }
  return copy;
}

}  // namespace

http::ResponseHead& ClientStream::OnMessageBegin() {
  // As constructed, whatever an informational response or an earlier attempt left there.
  http::ResponseHead& head = exchange_->response;
  head.status = 0;
  head.version = http::Version::kHttp11;
  head.keep_alive = true;
  head.reason = head.upgrade = absl::string_view();
  head.framing = http::Framing();
  head.spellings = nullptr;
  head.headers.Clear();
  return head;
}

void ClientStream::OnInformational(buffer::Slice) {
  Exchange& exchange = *exchange_.get();
  Informational** last = &exchange.informational;
  for (uint32_t count = 0; *last != nullptr; last = &(*last)->next) {
    if (++count == kMaxInformational) return;
  }
  *last = Copy(exchange.response, exchange.response.headers.arena());
  exchange.OnProgress();
}

void ClientStream::OnHead(buffer::Slice head) {
  Exchange& exchange = *exchange_.get();
  exchange.head_bytes = std::move(head);
  exchange.head = true;
}

void ClientStream::OnBody(buffer::Slice data) { exchange_->body.Append(std::move(data)); }

http::HeaderMap& ClientStream::OnTrailersBegin() {
  Exchange& exchange = *exchange_.get();
  buffer::Arena& arena = exchange.response.headers.arena();
  exchange.trailers = new (arena.Allocate(sizeof(http::HeaderMap))) http::HeaderMap(arena);
  return *exchange.trailers;
}

void ClientStream::OnTrailers(buffer::Slice bytes) { exchange_->trailer_bytes = std::move(bytes); }

void ClientStream::OnComplete() { exchange_->end = true; }

void ClientStream::EndByReset(ResetReason reason, absl::string_view detail) {
  Exchange* exchange = exchange_.get();
  if (exchange == nullptr) return;
  exchange->state = Exchange::State::kReset;
  exchange->reset = reason;
  exchange->codec_detail = detail;
  if (exchange->notes != nullptr && owner_.reset_by_host()) {
    exchange->notes->close_type = net::CloseType::kRemoteReset;
  }
  exchange_.Clear();
  exchange->OnProgress();
}

}  // namespace proxenos::upstream
