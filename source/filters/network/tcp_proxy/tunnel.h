// Tunnel: TunnelingConfig, compiled: the request that asks another proxy to carry a connection on,
// by CONNECT or POST over HTTP/1.1 or HTTP/2, as the cluster speaks.
//
// Thread: any (immutable after construction).
#pragma once

#include <string>
#include <vector>

#include "source/access_log/formatter.h"
#include "source/http/message.h"
#include "source/route/header_mutations.h"

namespace proxenos::filters::tcp_proxy {

struct Tunnel {
  access_log::Formatter hostname;
  bool post = false;
  std::string path = "/";  // Of a POST.
  route::HeaderMutations headers = {};
  std::vector<access_log::Formatter> formats = {};  // By HeaderAddition::format_index.

  // The request for a connection; texts that are not this object's live in the head's arena.
  void Fill(const filter::StreamInfo& info, bool over_tls, http::RequestHead& head) const;
  // Whether the other proxy will carry it.
  static bool Accepts(const http::ResponseHead& head) { return head.status == 200; }
};

}  // namespace proxenos::filters::tcp_proxy
