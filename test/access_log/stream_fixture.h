// A finished request with every value set, for tests of formats: what the golden lines are about.
#pragma once

#include "source/access_log/value.h"
#include "source/base/check.h"
#include "source/buffer/arena.h"

namespace proxenos::access_log {

class StreamFixture {
 public:
  StreamFixture() : request(arena), response(arena), trailers(arena) {
    connection.id = 7;
    connection.local = Ip("10.0.0.1", 8080);
    connection.direct_remote = Ip("192.0.2.7", 41000);
    stream.remote = Ip("2001:db8::9", 0);
    connection.requested_server_name = "sni.example";
    stream.connection = &connection;
    // 2026-11-22T04:11:41.173646Z
    stream.start_wall = 1795320701173646;
    constexpr base::MonoTime kStart = 1000 * base::kSecond;
    stream.start = kStart;
    stream.request_complete = kStart + 2 * base::kMillisecond;
    stream.upstream_connected = kStart + 3 * base::kMillisecond;
    stream.first_upstream_tx = kStart + 3500 * base::kMicrosecond;
    stream.last_upstream_tx = kStart + 4 * base::kMillisecond;
    stream.first_upstream_rx = kStart + 10 * base::kMillisecond;
    stream.last_upstream_rx = kStart + 12 * base::kMillisecond;
    stream.first_downstream_tx = kStart + 11 * base::kMillisecond;
    stream.last_downstream_tx = kStart + 13 * base::kMillisecond;
    stream.complete = kStart + 15 * base::kMillisecond;
    stream.response_code = 200;
    stream.attempts = 1;
    stream.details = "via_upstream";
    stream.bytes_received = 5;
    stream.bytes_sent = 1024;
    stream.upstream_wire_bytes_sent = 110;
    stream.upstream_wire_bytes_received = 1200;
    stream.downstream_wire_bytes_sent = 1210;
    stream.downstream_wire_bytes_received = 111;
    stream.request_header_bytes = 106;
    stream.response_header_bytes = 186;
    stream.route_name = "main";
    stream.virtual_host_name = "web";
    stream.upstream_cluster = stream.upstream_stat_name = "origin";
    stream.upstream_remote = Ip("10.1.0.2", 80);
    stream.upstream_local = Ip("10.0.0.1", 50000);
    stream.upstream_host_name = "origin.example";
    stream.upstream_connection_id = 3;

    request.method = http::Method::kPost;
    request.method_text = "POST";
    request.path = "/a/b?x=1%202&y=abc&x=3";
    request.authority = "h.example";
    request.scheme = "http";
    request.headers.Add("user-agent", "curl/8");
    request.headers.Add("x-forwarded-for", "192.0.2.7");
    request.headers.Add("x-request-id", "98b6f364-97f1-46bc-9596-df080124d1ad");
    request.headers.Add("x-empty", "");
    response.status = 200;
    response.headers.Add("content-type", "text/plain");
    response.headers.Add("x-envoy-upstream-service-time", "7");
    trailers.Add("x-checksum", "abc");
  }

  FormatInput Input() const {
    return {&stream,  &request, &response, &trailers,
            "body\n", runtime,  nullptr,   LogType::kDownstreamEnd};
  }

  static net::Address Ip(absl::string_view ip, uint16_t port) {
    absl::StatusOr<net::Address> address = net::Address::FromIp(ip, port);
    CHECK(address.ok());
    return *address;
  }

  buffer::Arena arena;
  filter::ConnectionInfo connection;
  filter::StreamInfo stream;
  http::RequestHead request;
  http::ResponseHead response;
  http::HeaderMap trailers;
  const runtime::Snapshot* runtime = nullptr;
};

}  // namespace proxenos::access_log
