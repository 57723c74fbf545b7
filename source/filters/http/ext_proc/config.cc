// Compiles the configuration of external processing.
#include "source/filters/http/ext_proc/config.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/http/ext_proc/v3/ext_proc.pb.h"
#include "source/cel/expression_config.h"
#include "source/config/typed_config.h"
#include "source/filter/mutation_rules_config.h"
#include "source/filters/http/ext_proc/filter.h"
#include "source/json/struct_config.h"
#include "source/match/match_config.h"
#include "source/rpc/initial_metadata_config.h"
#include "source/rpc/service_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::filters::ext_proc {
namespace {

namespace v3 = envoy::extensions::filters::http::ext_proc::v3;

constexpr char kMethod[] = "/envoy.service.ext_proc.v3.ExternalProcessor/Process";
// By whether it stands before a cluster's hosts (FilterFactory::upstream).
constexpr stats::ScopeShape kScope[] = {
    {"http.$.ext_proc.", "http.ext_proc.", {"envoy.http_conn_manager_prefix"}},
    {"cluster.$.ext_proc.", "cluster.ext_proc.", {"envoy.cluster_name"}}};
constexpr stats::ScopeShape kNamedScope[] = {
    {"http.$.ext_proc.$.",
     "http.ext_proc.",
     {"envoy.http_conn_manager_prefix", "envoy.ext_proc_prefix"}},
    {"cluster.$.ext_proc.$.",
     "cluster.ext_proc.",
     {"envoy.cluster_name", "envoy.ext_proc_prefix"}}};

class Factory final : public filter::FilterFactory {
 public:
  Factory(Settings settings, std::string stat_prefix)
      : settings_(std::move(settings)), stat_prefix_(std::move(stat_prefix)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<ExtProc>(settings_, *this, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    auto part = std::make_unique<ExtProcPart>();
    part->stats = registry.Open<ExtProcStats>(
        stat_prefix_.empty()
            ? stats::ScopeName(kScope[upstream], {stat_prefix})
            : stats::ScopeName(kNamedScope[upstream], {stat_prefix, stat_prefix_}));
    return part;
  }

 private:
  const Settings settings_;
  const std::string stat_prefix_;
};

Mode CompileMode(const v3::ProcessingMode& proto, const config::Path& path,
                 config::Errors& errors) {
  using P = v3::ProcessingMode;
  const auto body = [&path, &errors](P::BodySendMode mode) {
    if (mode > P::FULL_DUPLEX_STREAMED) {
      errors.Add(path, "expected any mode but GRPC of a body");
      return Mode::Body::kNone;
    }
    return static_cast<Mode::Body>(mode);
  };
  Mode mode;
  mode.head[0] = proto.request_header_mode() != P::SKIP;
  mode.head[1] = proto.response_header_mode() != P::SKIP;
  mode.body[0] = body(proto.request_body_mode());
  mode.body[1] = body(proto.response_body_mode());
  mode.trailers[0] = proto.request_trailer_mode() == P::SEND;
  mode.trailers[1] = proto.response_trailer_mode() == P::SEND;
  for (const int direction : {0, 1}) {
    if (mode.body[direction] != Mode::Body::kDuplex || mode.trailers[direction]) continue;
    errors.Add(path.Field(direction == 0 ? "request_trailer_mode" : "response_trailer_mode"),
               "expected SEND, which FULL_DUPLEX_STREAMED of the body needs");
  }
  return mode;
}

// A stream has no time limit of its own: it lasts as long as the request.
rpc::GrpcService CompileService(const envoy::config::core::v3::GrpcService& proto,
                                const config::Path& path, config::Errors& errors) {
  rpc::GrpcService service = rpc::CompileGrpcService(proto, kMethod, 0, path, errors);
  service.options.timeout = 0;
  return service;
}

std::vector<std::string> NamesOf(const v3::MetadataOptions::MetadataNamespaces& proto) {
  return {proto.untyped().begin(), proto.untyped().end()};
}

using Names = google::protobuf::RepeatedPtrField<std::string>;

AttributeList CompileAttributes(const Names& names, cel::Phase latest, const config::Path& path,
                                config::Errors& errors) {
  AttributeList list;
  for (int i = 0; i < names.size(); ++i) {
    const std::string& name = names.Get(i);
    const bool whole = IsMetadata(name);
    auto expression =
        cel::CompileText(whole ? absl::StrCat(name, ".filter_metadata") : name, cel::Options(),
                         latest, path.Index(static_cast<size_t>(i)), errors);
    if (expression != nullptr) list.push_back({name, std::move(expression), whole});
  }
  return list;
}

// What the processor may do beyond answering.
void CompileRights(const v3::ExternalProcessor& proto, const config::Path& path, Settings& settings,
                   config::Errors& errors) {
  settings.allow_mode_override = proto.allow_mode_override();
  for (int i = 0; i < proto.allowed_override_modes_size(); ++i) {
    settings.allowed_modes.push_back(
        CompileMode(proto.allowed_override_modes(i),
                    path.Field("allowed_override_modes").Index(static_cast<size_t>(i)), errors));
  }
  if (proto.has_max_message_timeout()) {
    settings.max_message_timeout = upstream::CompileDuration(proto.max_message_timeout(), errors,
                                                             path.Field("max_message_timeout"));
  }
  settings.rules =
      filter::CompileMutationRules(proto.mutation_rules(), path.Field("mutation_rules"), errors);
  settings.immediate_responses = !proto.disable_immediate_response();
  if (proto.route_cache_action() == v3::ExternalProcessor::CLEAR) {
    settings.route_cache = Settings::RouteCache::kClear;
  }
  if (proto.route_cache_action() == v3::ExternalProcessor::RETAIN ||
      proto.disable_clear_route_cache()) {
    settings.route_cache = Settings::RouteCache::kRetain;
  }
}

Settings Compile(const v3::ExternalProcessor& proto, const config::Path& path,
                 config::Errors& errors) {
  Settings settings;
  settings.service = CompileService(proto.grpc_service(), path.Field("grpc_service"), errors);
  settings.mode = CompileMode(proto.processing_mode(), path.Field("processing_mode"), errors);
  if (proto.has_message_timeout()) {
    settings.message_timeout =
        upstream::CompileDuration(proto.message_timeout(), errors, path.Field("message_timeout"));
  }
  if (proto.has_status_on_error()) {
    settings.status_on_error = static_cast<uint16_t>(proto.status_on_error().code());
  }
  settings.failure_mode_allow = proto.failure_mode_allow();
  settings.observes = proto.observability_mode();
  if (proto.has_deferred_close_timeout()) {
    settings.lingers_for = upstream::CompileDuration(proto.deferred_close_timeout(), errors,
                                                     path.Field("deferred_close_timeout"));
  }
  settings.sends_body_early = proto.send_body_without_waiting_for_header_response();
  CompileRights(proto, path, settings, errors);
  const config::Path rules = path.Field("forward_rules");
  settings.allowed_headers = match::CompileStringMatchers(proto.forward_rules().allowed_headers(),
                                                          errors, rules.Field("allowed_headers"));
  settings.disallowed_headers = match::CompileStringMatchers(
      proto.forward_rules().disallowed_headers(), errors, rules.Field("disallowed_headers"));
  settings.forwarded_namespaces = NamesOf(proto.metadata_options().forwarding_namespaces());
  settings.received_namespaces = NamesOf(proto.metadata_options().receiving_namespaces());
  // Before a cluster's hosts the host is known too.
  settings.attributes[0] = CompileAttributes(proto.request_attributes(), cel::Phase::kUpstream,
                                             path.Field("request_attributes"), errors);
  settings.attributes[1] = CompileAttributes(proto.response_attributes(), cel::Phase::kEnd,
                                             path.Field("response_attributes"), errors);
  if (proto.has_filter_metadata()) {
    json::AppendJson(json::FromProto(proto.filter_metadata()), settings.noted);
  }
  return settings;
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  v3::ExtProcPerRoute proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  RouteSettings settings;
  settings.disabled = proto.disabled();
  const v3::ExtProcOverrides& overrides = proto.overrides();
  const config::Path at = path.Field("overrides");
  if (overrides.has_processing_mode()) {
    settings.mode = CompileMode(overrides.processing_mode(), at.Field("processing_mode"), errors);
  }
  if (overrides.has_grpc_service()) {
    settings.service = CompileService(overrides.grpc_service(), at.Field("grpc_service"), errors);
  }
  if (overrides.has_failure_mode_allow()) {
    settings.failure_mode_allow = overrides.failure_mode_allow().value();
  }
  const v3::MetadataOptions& metadata = overrides.metadata_options();
  if (metadata.has_forwarding_namespaces()) {
    settings.forwarded_namespaces = NamesOf(metadata.forwarding_namespaces());
  }
  if (metadata.has_receiving_namespaces()) {
    settings.received_namespaces = NamesOf(metadata.receiving_namespaces());
  }
  settings.metadata = rpc::CompileInitialMetadata(overrides.grpc_initial_metadata(),
                                                  at.Field("grpc_initial_metadata"), errors);
  return std::make_shared<const RouteSettings>(std::move(settings));
}

}  // namespace

const route::OverrideKind kExtProcOverride{
    "envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute", CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateExtProc(const google::protobuf::Any& config,
                                                     const config::Path& path,
                                                     config::Errors& errors) {
  v3::ExternalProcessor proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  const size_t before = errors.count();
  Settings settings = Compile(proto, path, errors);
  if (errors.count() != before) return nullptr;
  return std::make_unique<Factory>(std::move(settings), proto.stat_prefix());
}

}  // namespace proxenos::filters::ext_proc
