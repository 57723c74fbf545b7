// ExtAuthz: asks a service whether a request may go on, and does to the request and its response
// what the service says.
//
// The call is a member: whoever ends the stream ends it. Its answer only wakes the filter; OnWake
// acts on it. Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/filter/http_filter.h"
#include "source/filter/retrying_call.h"
#include "source/filter/stats_by_cluster.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/ext_authz/decision.h"
#include "source/filters/http/ext_authz/settings.h"
#include "source/rpc/call.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::ext_authz {

// Scope: "ext_authz." below HttpScope, with the filter's stat_prefix. One group a worker.
#define PX_EXT_AUTHZ_STATS(X)          \
  X(Counter, ok)                       \
  X(Counter, denied)                   \
  X(Counter, error)                    \
  X(Counter, disabled)                 \
  X(Counter, failure_mode_allowed)     \
  X(Counter, invalid)                  \
  X(Counter, ignored_dynamic_metadata) \
  X(Counter, response_header_limits_reached)
PX_STATS(ExtAuthzStats, PX_EXT_AUTHZ_STATS);

// Scope: "ext_authz." of the cluster that the request would go to.
#define PX_EXT_AUTHZ_CLUSTER_STATS(X) \
  X(Counter, ok)                      \
  X(Counter, denied)                  \
  X(Counter, error)                   \
  X(Counter, failure_mode_allowed)    \
  X(Counter, invalid)
PX_STATS(ExtAuthzClusterStats, PX_EXT_AUTHZ_CLUSTER_STATS);

struct ExtAuthzPart final : public filter::WorkerPart {
  explicit ExtAuthzPart(stats::Registry& registry);
  stats::Group<ExtAuthzStats> stats;
  filter::StatsByCluster<ExtAuthzClusterStats> by_cluster;
};

class ExtAuthz final : public filter::HttpFilter {
 public:
  ExtAuthz(const Settings& settings, const filter::FilterFactory& factory,
           filter::StreamContext& stream);

  filter::BodyNeed RequestBodyNeed(const filter::BodyNeed& declared) const override;
  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;
  void OnWake() override;
  void OnLocalReply() override;

 private:
  void FindRouteSettings();
  // Starts the call. False when there is none: the decision is made.
  bool Ask();
  bool AskByHttp();
  void OnHttpAnswer();
  // Acts on the decision; kPause is never among the verdicts.
  filter::Verdict Act();
  filter::Verdict Allow();
  filter::Verdict Deny();
  filter::Verdict Fail();
  filter::Verdict RejectAnswer();
  void KeepMetadata();
  // Leaves what is configured in filter state; `answered`: with how long the service took.
  void LeaveNotes(bool answered);
  // Whether some change is one that no head could hold.
  bool HasInvalidChange() const;
  void ChangeRequest();
  // Takes what the rules forbid out of the decision. False: that is an error.
  bool KeepToRules();
  // Leaves the decision to whoever looks for it, in filter state; where the mode is shadow_mode,
  // which lets the request pass.
  bool PassesInShadow(absl::string_view result, uint16_t status);
  void ReplyWith(uint16_t status, absl::string_view body, absl::string_view details);
  // The same with what the service wants the client to be told.
  void ReplyAsTold(uint16_t status_otherwise, absl::string_view details);
  ExtAuthzClusterStats* cluster_stats();

  filter::StreamContext& stream_;
  ExtAuthzPart* const part_;  // May be null.
  const filter::FilterFactory& factory_;
  CheckContext context_;
  const bool enabled_;
  std::string cluster_;  // That the request would go to; empty: none.
  base::MonoTime asked_ = 0;

  std::unique_ptr<rpc::UnaryCall> grpc_call_;
  std::optional<filter::RetryingCall> http_call_;
  std::optional<Decision> decision_;
  bool waiting_ = false;  // Paused at the head.
  std::vector<filter::HeaderChange> response_changes_;
};

}  // namespace proxenos::filters::ext_authz
