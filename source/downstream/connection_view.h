// ConnectionView: a connection that network filters look at, as formats and matchers see it: like a
// stream, of which nothing has happened yet.
//
// Owner: a function that looks. Thread: the worker's.
#pragma once

#include "source/downstream/connection.h"
#include "source/filter/environment.h"
#include "source/filter/network_filter.h"

namespace proxenos::downstream {

class ConnectionView {
 public:
  // The connection outlives it, and is nobody else's meanwhile.
  explicit ConnectionView(filter::NetworkConnection& connection)
      : connection_(connection.info), name_(connection.info.requested_server_name) {
    connection_.requested_server_name = connection.server_name;
    DescribeConnection(connection_, info_);
    info_.remote = connection_.remote();
    info_.start = connection_.begin;
    const event::EventLoop& loop = connection.environment.loop;
    info_.start_wall = loop.wall_now() - (connection.now - info_.start) / base::kMicrosecond;
  }
  ConnectionView(const ConnectionView&) = delete;
  ConnectionView& operator=(const ConnectionView&) = delete;
  ~ConnectionView() { connection_.requested_server_name = name_; }

  const filter::StreamInfo& info() const { return info_; }

 private:
  filter::ConnectionInfo& connection_;
  const absl::string_view name_;  // What it said before: the text that is lent may not last.
  filter::StreamInfo info_;
};

}  // namespace proxenos::downstream
