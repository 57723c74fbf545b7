// TlsInspector: whether a connection begins with TLS, and for which server's name and protocols.
// envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector
#pragma once

#include <memory>

#include "source/filter/listener_filter.h"
#include "source/filters/listener/tls_inspector/client_hello.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::tls_inspector {

// Names are Envoy's. One group a worker.
#define PX_TLS_INSPECTOR_STATS(X)    \
  X(Counter, client_hello_too_large) \
  X(Counter, tls_found)              \
  X(Counter, tls_not_found)          \
  X(Counter, alpn_found)             \
  X(Counter, alpn_not_found)         \
  X(Counter, sni_found)              \
  X(Counter, sni_not_found)
PX_STATS(TlsInspectorStats, PX_TLS_INSPECTOR_STATS);

struct TlsInspectorConfig {
  bool close_on_broken_hello = false;
  bool ja3 = false;  // Which fingerprints are computed.
  bool ja4 = false;
  HelloLimits limits;
};

class TlsInspector final : public filter::ListenerFilter {
 public:
  TlsInspector(const TlsInspectorConfig& config, stats::Registry& registry);

  uint32_t limit() const override;
  Result Inspect(absl::string_view bytes, filter::ConnectionFacts& facts) override;

 private:
  void NoteFingerprints(const HelloShape& shape, filter::ConnectionFacts& facts) const;

  const TlsInspectorConfig config_;
  stats::Group<TlsInspectorStats> stats_;
};

}  // namespace proxenos::filters::tls_inspector
