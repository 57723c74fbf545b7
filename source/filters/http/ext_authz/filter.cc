// Asking and acting on the answer.
#include "source/filters/http/ext_authz/filter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/filter/filter_override.h"
#include "source/filter/routed_cluster.h"
#include "source/filters/http/ext_authz/check_request.h"
#include "source/http/path.h"
#include "source/http/query.h"
#include "source/json/quoted.h"

namespace proxenos::filters::ext_authz {
namespace {

using filter::HeaderChange;
using filter::Verdict;

constexpr stats::ScopeShape kClusterScope{
    "cluster.$.ext_authz.", "cluster.ext_authz.", {"envoy.cluster_name"}};
constexpr absl::string_view kMetadataSpace = "envoy.filters.http.ext_authz";
constexpr uint16_t kForbidden = 403;
// More than this of an answer's body is no explanation for a client.
constexpr uint64_t kMaxAnswerBytes = 256 * 1024;

// Text that can stand in a query (RFC 3986, section 3.4), without what parts parameters.
bool IsQueryText(absl::string_view text) {
  static constexpr absl::string_view kOthers = "-._~!$'()*+,;:@/?%";
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           kOthers.find(c) != absl::string_view::npos;
  });
}

}  // namespace

ExtAuthzPart::ExtAuthzPart(stats::Registry& registry) : by_cluster(registry, kClusterScope) {}

ExtAuthz::ExtAuthz(const Settings& settings, const filter::FilterFactory& factory,
                   filter::StreamContext& stream)
    : stream_(stream),
      part_(static_cast<ExtAuthzPart*>(stream.worker_part(factory))),
      factory_(factory),
      context_{settings, nullptr, {}},
      enabled_(settings.enabled.Holds(stream.environment.runtime,
                                      stream.environment.loop.random().Next())) {
  FindRouteSettings();
}

void ExtAuthz::FindRouteSettings() {
  filter::ForEachOverride(stream_, factory_.name, [this](const route::FilterOverride& one) {
    if (one.kind != factory_.override_kind || one.settings == nullptr) return true;
    const auto* settings = static_cast<const RouteSettings*>(one.settings.get());
    if (context_.route == nullptr) context_.route = settings;
    // What a more specific level said stays.
    context_.context_extensions.insert(settings->context_extensions.begin(),
                                       settings->context_extensions.end());
    return true;
  });
}

filter::BodyNeed ExtAuthz::RequestBodyNeed(const filter::BodyNeed& declared) const {
  const BodySettings* body = context_.body();
  const bool skipped = stream_.route == nullptr || !enabled_ ||
                       (context_.route != nullptr && context_.route->disabled);
  if (body == nullptr || skipped) return declared;
  const auto mode = body->allow_partial ? filter::BodyMode::kBegin : filter::BodyMode::kBuffer;
  return filter::BodyNeed{mode, body->max_bytes};
}

Verdict ExtAuthz::OnRequestHeaders(http::RequestHead&, bool) {
  // There is nothing to protect where no route leads.
  if (stream_.route == nullptr) return Verdict::kContinue;
  if (context_.route != nullptr && context_.route->disabled) return Verdict::kContinue;
  const auto& metadata = context_.settings.enabled_metadata;
  if (!enabled_ || (metadata.has_value() && !metadata->Matches(stream_.info.metadata.all()))) {
    if (part_ != nullptr) part_->stats->disabled.Inc();
    if (!context_.settings.deny_at_disable.Get(stream_.environment.runtime))
      return Verdict::kContinue;
    ReplyWith(context_.settings.status_on_error, "", "ext_authz_error");
    return Verdict::kReplied;
  }
  cluster_ = filter::RoutedCluster(stream_);
  asked_ = stream_.environment.loop.now();
  LeaveNotes(false);
  if (!Ask()) return Act();
  waiting_ = true;
  return Verdict::kPause;
}

bool ExtAuthz::Ask() {
  const rpc::GrpcService* service = context_.grpc();
  if (service == nullptr) return AskByHttp();
  base::Rc<upstream::WorkerCluster> cluster = stream_.environment.clusters.Find(service->cluster);
  if (!cluster) {
    decision_ = Decision{};
    return false;
  }
  grpc_call_ = std::make_unique<rpc::UnaryCall>(
      std::move(cluster), service->options, MakeCheckRequest(stream_, context_),
      [this](rpc::UnaryCall::Result result) {
        decision_ = result.status == rpc::Status::kOk ? ReadCheckResponse(result.answer.ToString())
                                                      : Decision{};
        stream_.Wake(*this);
      });
  return true;
}

bool ExtAuthz::AskByHttp() {
  const HttpServer& server = context_.http();
  const filter::RetryingCall::Target target{server.service, server.retries, kMaxAnswerBytes};
  http_call_.emplace(
      stream_.environment, target,
      [this](rpc::HttpCall& call) { return FillHttpCheck(stream_, context_, call); },
      [this] { OnHttpAnswer(); });
  if (http_call_->Start()) return true;
  decision_ = Decision{};
  return false;
}

void ExtAuthz::OnHttpAnswer() {
  rpc::HttpCall& call = http_call_->call();
  decision_ = call.end() == rpc::HttpCall::End::kAnswer
                  ? ReadHttpResponse(call.response(), call.body().ToString(), context_.http())
                  : Decision{};
  stream_.Wake(*this);
}

void ExtAuthz::OnWake() {
  if (!waiting_ || !decision_.has_value()) return;
  waiting_ = false;
  if (Act() == Verdict::kContinue) stream_.Resume(*this, filter::Direction::kRequest);
}

// Another filter answered, or the stream was cut short.
void ExtAuthz::OnLocalReply() {
  waiting_ = false;
  grpc_call_.reset();
  http_call_.reset();
}

Verdict ExtAuthz::Act() {
  grpc_call_.reset();
  http_call_.reset();
  LeaveNotes(true);
  if (decision_->bad_append_action && context_.settings.validate_mutations) return RejectAnswer();
  KeepMetadata();
  switch (decision_->verdict) {
    case Decision::Verdict::kAllow:
      return Allow();
    case Decision::Verdict::kDeny:
      return Deny();
    case Decision::Verdict::kError:
      break;
  }
  return Fail();
}

void ExtAuthz::LeaveNotes(bool answered) {
  const Notes* notes = context_.settings.notes.get();
  if (notes == nullptr || (answered && !notes->with_latency)) return;
  json::Object values = notes->metadata;
  if (answered) {
    const base::Nanos took = stream_.environment.loop.now() - asked_;
    values.insert_or_assign("latency_us", json::Value(int64_t{took / base::kMicrosecond}));
  }
  std::string text;
  json::AppendJson(values, text);
  stream_.info.state.Set(factory_.name.text(), std::move(text));
}

void ExtAuthz::KeepMetadata() {
  if (decision_->metadata.empty()) return;
  if (!context_.settings.ingest_metadata) {
    if (part_ != nullptr) part_->stats->ignored_dynamic_metadata.Inc();
    return;
  }
  if (decision_->verdict == Decision::Verdict::kAllow) {
    const base::Nanos took = stream_.environment.loop.now() - asked_;
    decision_->metadata.insert_or_assign("ext_authz_duration",
                                         json::Value(int64_t{took / base::kMillisecond}));
  }
  stream_.info.metadata.Merge(kMetadataSpace, std::move(decision_->metadata));
}

bool ExtAuthz::HasInvalidChange() const {
  for (const auto* changes : {&decision_->request_changes, &decision_->response_changes}) {
    for (const HeaderChange& change : *changes) {
      if (!filter::IsValid(change)) return true;
    }
  }
  for (const auto& [name, value] : decision_->query_to_set) {
    if (!IsQueryText(name) || !IsQueryText(value)) return true;
  }
  return false;
}

Verdict ExtAuthz::Allow() {
  if (context_.settings.validate_mutations && HasInvalidChange()) return RejectAnswer();
  if (!KeepToRules()) return RejectAnswer();
  ChangeRequest();
  PassesInShadow("OK", 200);
  if (context_.settings.clear_route_cache && decision_->changes_request()) stream_.Reroute();
  response_changes_ = std::move(decision_->response_changes);
  if (part_ != nullptr) part_->stats->ok.Inc();
  if (auto* stats = cluster_stats()) stats->ok.Inc();
  return Verdict::kContinue;
}

bool ExtAuthz::KeepToRules() {
  if (!context_.settings.rules.has_value()) return true;
  const filter::MutationRules& rules = *context_.settings.rules;
  const size_t changes =
      std::erase_if(decision_->request_changes,
                    [&rules](const HeaderChange& one) { return !rules.MaySet(one.name); });
  const size_t removals =
      std::erase_if(decision_->headers_to_remove,
                    [&rules](const std::string& name) { return !rules.MayRemove(name); });
  return changes + removals == 0 || !rules.disallowed_is_error;
}

bool ExtAuthz::PassesInShadow(absl::string_view result, uint16_t status) {
  if (!context_.settings.shadows) return false;
  std::string text = absl::StrCat("{\"check_result\":\"", result, "\",\"status_code\":", status);
  if (result == "DENIED") {
    absl::StrAppend(&text, ",\"response_headers\":[");
    for (const HeaderChange& change : decision_->response_changes) {
      absl::StrAppend(&text, text.back() == '[' ? "" : ",", "{\"key\":");
      json::AppendQuoted(change.name, text);
      absl::StrAppend(&text, ",\"value\":");
      json::AppendQuoted(change.value, text);
      text += '}';
    }
    text += ']';
  }
  text += '}';
  stream_.info.state.Set(absl::StrCat(factory_.name.text(), ".shadow"), std::move(text));
  return true;
}

void ExtAuthz::ChangeRequest() {
  http::RequestHead& head = stream_.request;
  // What sets comes first, so that what is joined finds it.
  for (const bool joins : {false, true}) {
    for (const HeaderChange& change : decision_->request_changes) {
      if ((change.how == HeaderChange::How::kJoinToPresent) == joins) Apply(change, head);
    }
  }
  for (const std::string& name : decision_->headers_to_remove) {
    filter::RemoveField(name, head.headers);
  }
  for (const auto& [name, value] : decision_->query_to_set) {
    if (name.empty() || !IsQueryText(name) || !IsQueryText(value)) continue;
    head.path = stream_.arena.Copy(http::SetQueryParameter(head.path, name, value));
  }
  for (const std::string& name : decision_->query_to_remove) {
    head.path = stream_.arena.Copy(http::RemoveQueryParameter(head.path, name));
  }
}

Verdict ExtAuthz::Deny() {
  if (part_ != nullptr) part_->stats->denied.Inc();
  if (auto* stats = cluster_stats()) {
    stats->denied.Inc();
    auto cluster = stream_.environment.clusters.Find(cluster_);
    if (cluster && context_.settings.charge_cluster_stats) {
      cluster->stats().upstream_rq.Inc(decision_->status == 0 ? kForbidden : decision_->status);
    }
  }
  if (context_.settings.validate_mutations && HasInvalidChange()) return RejectAnswer();
  if (PassesInShadow("DENIED", decision_->status == 0 ? kForbidden : decision_->status)) {
    return Verdict::kContinue;
  }
  const uint32_t limit = context_.settings.max_denied_body_bytes;
  if (limit > 0 && decision_->body.size() > limit) decision_->body.resize(limit);
  ReplyAsTold(kForbidden, "ext_authz_denied");
  return Verdict::kReplied;
}

void ExtAuthz::ReplyAsTold(uint16_t status_otherwise, absl::string_view details) {
  ReplyWith(decision_->status == 0 ? status_otherwise : decision_->status,
            stream_.arena.Copy(decision_->body), details);
  // The same field may come several times, but what the reply had of it goes. A gRPC call is
  // answered without a body, whose type would say that this is no gRPC.
  http::HeaderMap& headers = stream_.response.headers;
  if (stream_.IsGrpcCall()) {
    auto& changes = decision_->response_changes;
    changes.erase(std::remove_if(changes.begin(), changes.end(),
                                 [](const auto& one) { return one.name == "content-type"; }),
                  changes.end());
  }
  for (const HeaderChange& change : decision_->response_changes) {
    filter::RemoveField(change.name, headers);
  }
  for (const HeaderChange& change : decision_->response_changes) {
    Apply(HeaderChange{HeaderChange::How::kAdd, change.name, change.value}, headers);
  }
}

Verdict ExtAuthz::Fail() {
  if (part_ != nullptr) part_->stats->error.Inc();
  if (auto* stats = cluster_stats()) stats->error.Inc();
  if (PassesInShadow("ERROR", context_.settings.status_on_error)) return Verdict::kContinue;
  if (!context_.settings.failure_mode_allow) {
    ReplyAsTold(context_.settings.status_on_error, "ext_authz_error");
    return Verdict::kReplied;
  }
  if (part_ != nullptr) part_->stats->failure_mode_allowed.Inc();
  if (auto* stats = cluster_stats()) stats->failure_mode_allowed.Inc();
  if (context_.settings.failure_mode_allow_header_add) {
    stream_.request.headers.Add("x-envoy-auth-failure-mode-allowed", "true");
  }
  return Verdict::kContinue;
}

// The service said what must not be sent on: neither its yes nor its no can be trusted.
Verdict ExtAuthz::RejectAnswer() {
  if (part_ != nullptr) part_->stats->invalid.Inc();
  if (auto* stats = cluster_stats()) stats->invalid.Inc();
  if (PassesInShadow("ERROR", 500)) return Verdict::kContinue;
  ReplyWith(500, "", "ext_authz_invalid");
  return Verdict::kReplied;
}

void ExtAuthz::ReplyWith(uint16_t status, absl::string_view body, absl::string_view details) {
  stream_.Reply(status, body, details, filter::kUnauthorizedExternalService);
}

ExtAuthzClusterStats* ExtAuthz::cluster_stats() {
  return part_ == nullptr || cluster_.empty() ? nullptr : &part_->by_cluster.Of(cluster_);
}

Verdict ExtAuthz::OnResponseHeaders(http::ResponseHead& head, bool) {
  // What replaces this response has none of them.
  const std::vector<HeaderChange> changes = std::move(response_changes_);
  response_changes_.clear();
  bool full = false;
  for (const HeaderChange& change : changes) {
    const size_t before = head.headers.size();
    Apply(change, head.headers);
    // The status counts as a field.
    full =
        full || (head.headers.size() > before && head.headers.size() >= base::limits::kMaxHeaders);
  }
  if (!context_.settings.limits_responses || changes.empty()) return Verdict::kContinue;
  if (!full && head.headers.ByteSize() <= base::limits::kMaxHeadBytes) return Verdict::kContinue;
  if (part_ != nullptr) part_->stats->response_header_limits_reached.Inc();
  ReplyWith(500, "", "ext_authz_invalid");
  return Verdict::kReplied;
}

}  // namespace proxenos::filters::ext_authz
