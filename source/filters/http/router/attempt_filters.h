// AttemptFilters: what one attempt's messages pass between the router and the host: the upstream
// HTTP filters (filter/upstream_filters.h), on a copy of the request and on the host's response.
//
//   request_out of the stream --TakeRequest--> request_in, filters, request_out --> ClientStream
//   response_in of the stream <-- response_out, filters, response_in <--TakeResponse-- Exchange
//
// It has a StreamContext of its own, so that filters are the same here as in a connection manager's
// chain; the StreamInfo is the stream's. It is pumped by the router in its OnWake and nowhere else:
// what filters wait for wakes the router.
// Owner: the router's attempt. Thread: the worker's. Dies with the attempt.
#pragma once

#include <cstdint>
#include <optional>

#include "source/base/recycled.h"
#include "source/filter/filter_chain.h"
#include "source/filter/stream_context.h"
#include "source/filter/upstream_filters.h"
#include "source/upstream/exchange.h"

namespace proxenos::filters::router {

class AttemptFilters final : public filter::StreamContext, public base::Recycled<AttemptFilters> {
 public:
  // The request's head is copied as it now is; `end`: nothing follows it. `router` is the filter of
  // `whole` that is woken. All of them outlive it.
  AttemptFilters(filter::HttpFilter& router, filter::StreamContext& whole,
                 const filter::UpstreamFilters& filters, const filter::WorkerParts& parts,
                 bool end);
  ~AttemptFilters() override;

  // Takes as much of the request as there is room for; `trailers` may be null. True once all of it
  // has been taken.
  bool TakeRequest(buffer::Buffer& body, bool end, const http::HeaderMap* trailers);
  // The same of the response, as far as it has come.
  void TakeResponse(upstream::Exchange& exchange);
  // Runs the filters until nothing moves. False: they answered the request, or gave it up, and
  // nothing more comes of it.
  bool Pump();

  // Copies the head that has come out of them, once. REQUIRES: response_out.head.
  void GiveHead(http::ResponseHead& to);
  // A copy of the trailers that have come out of them, in the stream's arena; null: there are none.
  http::HeaderMap* CopyTrailers() const;
  // Answers for the filters, after Pump said so.
  void GiveUp();

  // The head of `request` has gone to the host.
  bool head_sent = false;

  // event::Runnable: something that a filter waits for has come.
  void Run() override { whole_.Wake(router_); }
  absl::string_view FormatValue(uint32_t index) override { return whole_.FormatValue(index); }
  void SendInformational(const http::ResponseHead& head) override {
    whole_.SendInformational(head);
  }
  void Reroute() override {}  // The route has been followed.

 private:
  bool PumpOnce();
  bool stopped() const { return reply_pending_ || aborted_; }
  uint64_t held(filter::Direction direction) const;

  filter::HttpFilter& router_;
  filter::StreamContext& whole_;
  std::optional<filter::FilterChain> chain_;
  bool response_taken_ = false;  // The head is, or was, in response_in.
};

}  // namespace proxenos::filters::router
