// dynamic_forward_proxy: holds a request to a cluster of that kind until the name that it is for
// has an address.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "source/base/rc.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/upstream/dynamic_hosts.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::filters::dynamic_forward_proxy {

// FilterConfig.
struct Settings {
  std::string cache;                   // dns_cache_config.name
  bool save_upstream_address = false;  // As filter state.
  bool host_from_filter_state = false;
};

// PerRouteConfig: at most one is set.
struct Rewrite {
  std::string literal;
  std::string header;  // Lower case.
};

class DynamicForwardProxy final : public filter::HttpFilter {
 public:
  // All outlive it; `rewrite` may be null.
  DynamicForwardProxy(const Settings& settings, const Rewrite* rewrite,
                      filter::StreamContext& stream);

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  void OnWake() override;
  void OnLocalReply() override { wait_.reset(); }
  void OnComplete() override { wait_.reset(); }

 private:
  // Null: the request goes elsewhere.
  upstream::DynamicHosts* HostsOfCluster();
  void RewriteAuthority(http::RequestHead& head);
  // Nothing: what the request says is no name.
  std::optional<upstream::DynamicName> NameOf(const http::RequestHead& head, uint16_t default_port);
  // False: the request was answered.
  bool Accept(const upstream::NameView& known);
  filter::Verdict Refuse(absl::string_view body, absl::string_view details, uint32_t flag);

  const Settings& settings_;
  const Rewrite* const rewrite_;
  filter::StreamContext& stream_;
  base::Rc<upstream::WorkerCluster> cluster_;  // While it waits.
  std::unique_ptr<upstream::DnsWait> wait_;    // Null: it does not.
};

}  // namespace proxenos::filters::dynamic_forward_proxy
