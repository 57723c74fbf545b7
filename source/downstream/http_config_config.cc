// The connection manager's fields, one after another.
#include "source/downstream/http_config_config.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "source/access_log/access_log_config.h"
#include "source/access_log/notes_wanted.h"
#include "source/downstream/client_cert_config.h"
#include "source/downstream/http_filters_config.h"
#include "source/downstream/origin_rules_config.h"
#include "source/downstream/route_compilers.h"
#include "source/http1/ignored_upgrades.h"
#include "source/http1/options_config.h"
#include "source/http2/options_config.h"
#include "source/match/match_config.h"
#include "source/route/route_config.h"
#include "source/route/scope_config.h"
#include "source/tracing/tracing_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::downstream {
namespace {

using HcmProto =
    envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
using upstream::CompileDuration;

class HttpCompiler {
 public:
  HttpCompiler(const HcmProto& proto, const ListenerCompiler& compiler, const config::Path& path,
               config::Errors& errors)
      : proto_(proto), compiler_(compiler), path_(path), errors_(errors) {}

  std::shared_ptr<const HttpConfig> Compile() {
    const size_t before = errors_.count();
    config_->stat_prefix = proto_.stat_prefix();
    Identity();
    Timeouts();
    Codec();
    Normalisation();
    Upgrades();
    CompileHttpFilters(proto_.http_filters(), {compiler_.filters, compiler_.log_writer}, *config_,
                       path_.Field("http_filters"), errors_);
    Routes();
    AccessLogs();
    config_->tracing = tracing::CompileTracing(proto_, compiler_.tracer, path_, errors_);
    if (errors_.count() != before) return nullptr;
    return std::move(config_);
  }

 private:
  void Duration(bool present, const google::protobuf::Duration& proto, const char* field,
                base::Nanos& out) {
    if (present) out = CompileDuration(proto, errors_, path_.Field(field));
  }

  void Identity() {
    if (!proto_.server_name().empty()) config_->server_name = proto_.server_name();
    switch (proto_.server_header_transformation()) {
      case HcmProto::APPEND_IF_ABSENT:
        config_->server_header = HttpConfig::ServerHeader::kAppendIfAbsent;
        break;
      case HcmProto::PASS_THROUGH:
        config_->server_header = HttpConfig::ServerHeader::kPassThrough;
        break;
      default:
        break;
    }
    config_->via = proto_.via();
    config_->use_remote_address = proto_.use_remote_address().value();
    config_->xff_trusted_hops = proto_.xff_num_trusted_hops();
    config_->skip_xff_append = proto_.skip_xff_append();
    const ClientCertRule rule = CompileClientCertRule(proto_.forward_client_cert_details(),
                                                      proto_.set_current_client_cert_details());
    config_->forward_client_cert = rule.mode;
    config_->client_cert_details = rule.details;
    config_->origin = CompileOrigin(proto_, path_, errors_);
    if (proto_.has_generate_request_id()) {
      config_->generate_request_id = proto_.generate_request_id().value();
    }
    config_->preserve_external_request_id = proto_.preserve_external_request_id();
    config_->always_set_request_id_in_response = proto_.always_set_request_id_in_response();
    config_->proxy_100_continue = proto_.proxy_100_continue();
  }

  void Timeouts() {
    const auto& common = proto_.common_http_protocol_options();
    const char* kCommon = "common_http_protocol_options";
    if (common.has_idle_timeout()) {
      config_->idle_timeout = CompileDuration(common.idle_timeout(), errors_,
                                              path_.Field(kCommon).Field("idle_timeout"));
    }
    if (common.has_max_connection_duration()) {
      config_->max_connection_duration =
          CompileDuration(common.max_connection_duration(), errors_,
                          path_.Field(kCommon).Field("max_connection_duration"));
    }
    config_->max_connection_duration_jitter_percent =
        common.max_connection_duration_jitter().value();
    config_->http1_waits_at_max_duration = proto_.http1_safe_max_connection_duration();
    if (common.has_max_stream_duration()) {
      config_->max_stream_duration = CompileDuration(
          common.max_stream_duration(), errors_, path_.Field(kCommon).Field("max_stream_duration"));
    }
    config_->max_requests_per_connection = common.max_requests_per_connection().value();
    Duration(proto_.has_stream_idle_timeout(), proto_.stream_idle_timeout(), "stream_idle_timeout",
             config_->stream_idle_timeout);
    Duration(proto_.has_request_timeout(), proto_.request_timeout(), "request_timeout",
             config_->request_timeout);
    Duration(proto_.has_request_headers_timeout(), proto_.request_headers_timeout(),
             "request_headers_timeout", config_->request_headers_timeout);
    Duration(proto_.has_delayed_close_timeout(), proto_.delayed_close_timeout(),
             "delayed_close_timeout", config_->delayed_close_timeout);
  }

  void Codec() {
    http1::RequestDecoderOptions& decoder = config_->decoder;
    if (proto_.has_max_request_headers_kb()) {
      decoder.max_head_bytes = proto_.max_request_headers_kb().value() * 1024;
    }
    const auto& common = proto_.common_http_protocol_options();
    if (common.has_max_headers_count()) decoder.max_headers = common.max_headers_count().value();
    switch (common.headers_with_underscores_action()) {
      case envoy::config::core::v3::HttpProtocolOptions::REJECT_REQUEST:
        decoder.underscores = http1::Underscores::kRejectRequest;
        break;
      case envoy::config::core::v3::HttpProtocolOptions::DROP_HEADER:
        decoder.underscores = http1::Underscores::kDropHeader;
        break;
      default:
        break;
    }
    CodecOfProtocol();
    const auto& http1 = proto_.http_protocol_options();
    decoder.accept_http_10 = http1.accept_http_10();
    decoder.default_host_for_http_10 = http1.default_host_for_http_10();
    decoder.enable_trailers = http1.enable_trailers();
    decoder.allow_chunked_length = http1.allow_chunked_length();
    IgnoredUpgrades(http1);
    config_->http1_names =
        http1::CompileNameStyle(http1, errors_, path_.Field("http_protocol_options"));
    if (http1.has_allow_absolute_url()) {
      decoder.allow_absolute_url = http1.allow_absolute_url().value();
    }
  }

  void IgnoredUpgrades(const envoy::config::core::v3::Http1ProtocolOptions& proto) {
    const auto& all = proto.ignore_http_11_upgrade();
    if (all.empty()) return;
    const config::Path path = path_.Field("http_protocol_options").Field("ignore_http_11_upgrade");
    std::vector<match::StringMatcher> matchers;
    for (int i = 0; i < all.size(); ++i) {
      auto matcher =
          match::CompileStringMatcher(all[i], errors_, path.Index(static_cast<size_t>(i)));
      if (matcher.has_value()) matchers.push_back(*std::move(matcher));
    }
    config_->decoder.ignored_upgrades = std::make_shared<const http1::IgnoredUpgrades>(
        [matchers = std::move(matchers)](absl::string_view protocol) {
          return std::any_of(
              matchers.begin(), matchers.end(),
              [protocol](const match::StringMatcher& each) { return each.Matches(protocol); });
        });
  }

  void CodecOfProtocol() {
    switch (proto_.codec_type()) {
      case HcmProto::HTTP1:
        config_->codec = HttpConfig::Codec::kHttp1;
        break;
      case HcmProto::HTTP2:
        config_->codec = HttpConfig::Codec::kHttp2;
        break;
      default:
        break;
    }
    http2::Options defaults;
    defaults.max_head_bytes = config_->decoder.max_head_bytes;
    defaults.max_headers = config_->decoder.max_headers;
    defaults.stream_error_on_invalid_message =
        proto_.stream_error_on_invalid_http_message().value();
    switch (config_->decoder.underscores) {
      case http1::Underscores::kRejectRequest:
        defaults.underscores = http2::Underscores::kReject;
        break;
      case http1::Underscores::kDropHeader:
        defaults.underscores = http2::Underscores::kDropHeader;
        break;
      case http1::Underscores::kAllow:
        break;
    }
    config_->http2 = http2::CompileHttp2Options(proto_.http2_protocol_options(), defaults, errors_,
                                                path_.Field("http2_protocol_options"));
    Duration(proto_.has_drain_timeout(), proto_.drain_timeout(), "drain_timeout",
             config_->drain_timeout);
    config_->drain_timeout_jitter_percent = proto_.drain_timeout_jitter().value();
  }

  void Normalisation() {
    config_->path.normalize = proto_.normalize_path().value();
    config_->path.merge_slashes = proto_.merge_slashes();
    switch (proto_.path_with_escaped_slashes_action()) {
      case HcmProto::REJECT_REQUEST:
        config_->path.escaped_slashes = http::EscapedSlashes::kReject;
        break;
      case HcmProto::UNESCAPE_AND_REDIRECT:
        config_->path.escaped_slashes = http::EscapedSlashes::kUnescapeAndRedirect;
        break;
      case HcmProto::UNESCAPE_AND_FORWARD:
        config_->path.escaped_slashes = http::EscapedSlashes::kUnescapeAndForward;
        break;
      default:
        break;
    }
    if (proto_.strip_any_host_port()) {
      config_->strip_port = HttpConfig::StripPort::kAny;
    } else if (proto_.strip_matching_host_port()) {
      config_->strip_port = HttpConfig::StripPort::kMatching;
    }
    config_->strip_trailing_dot = proto_.strip_trailing_host_dot();
  }

  void Upgrades() {
    std::set<std::string> known;
    for (int i = 0; i < proto_.upgrade_configs_size(); ++i) {
      const auto& upgrade = proto_.upgrade_configs(i);
      const std::string type = absl::AsciiStrToLower(upgrade.upgrade_type());
      // Whether it is enabled must not hang on which of two counts.
      if (!known.insert(type).second) {
        const config::Path at = path_.Field("upgrade_configs").Index(static_cast<size_t>(i));
        errors_.AddValue(at.Field("upgrade_type"), upgrade.upgrade_type(), "each type once");
      }
      if (upgrade.has_enabled() && !upgrade.enabled().value()) continue;
      config_->upgrades.push_back(type);
    }
  }

  void Routes() {
    switch (proto_.route_specifier_case()) {
      case HcmProto::kRds:
        config_->rds_name = proto_.rds().route_config_name();
        return;
      case HcmProto::kRouteConfig:
        config_->routes = Written(proto_.route_config(), path_.Field("route_config"));
        return;
      case HcmProto::kScopedRoutes:
        return Scopes(proto_.scoped_routes(), path_.Field("scoped_routes"));
      default:
        errors_.Add(path_, "expected one of route_config, rds, scoped_routes");
    }
  }

  using ScopesProto =
      envoy::extensions::filters::network::http_connection_manager::v3::ScopedRoutes;
  void Scopes(const ScopesProto& proto, const config::Path& path) {
    auto scopes = std::make_unique<ScopedRoutes>();
    scopes->name = proto.name();
    scopes->key = route::CompileScopeKeyBuilder(proto.scope_key_builder(), errors_,
                                                path.Field("scope_key_builder"));
    const auto& list = proto.scoped_route_configurations_list().scoped_route_configurations();
    const config::Path at =
        path.Field("scoped_route_configurations_list").Field("scoped_route_configurations");
    std::map<std::string, std::string> owners;  // By key.
    for (int i = 0; i < list.size(); ++i) {
      const config::Path one = at.Index(static_cast<size_t>(i));
      std::optional<Scope> scope = ListedScope(list.Get(i), one);
      if (!scope.has_value()) continue;
      const auto [owner, added] = owners.try_emplace(scope->key, scope->name);
      if (!added) {
        errors_.Add(one.Field("key"), absl::StrCat("is that of scope ", owner->second, " too"));
      }
      scopes->listed.push_back(*std::move(scope));
    }
    config_->scopes = std::move(scopes);
  }

  std::optional<Scope> ListedScope(const envoy::config::route::v3::ScopedRouteConfiguration& proto,
                                   const config::Path& path) {
    std::optional<route::Scope> compiled = route::CompileScope(proto, errors_, path);
    if (!compiled.has_value()) return std::nullopt;
    Scope scope{*std::move(compiled), nullptr};
    if (!proto.has_route_configuration()) return scope;
    scope.written = Written(proto.route_configuration(), path.Field("route_configuration"));
    return scope.written == nullptr ? std::nullopt : std::optional(std::move(scope));
  }

  std::shared_ptr<const RouteSnapshot> Written(
      const envoy::config::route::v3::RouteConfiguration& proto, const config::Path& path) {
    auto table = route::CompileRoutesWithTrees(
        proto, errors_, path, filter::OverridesOf(compiler_.filters), RouteCompilers());
    if (table != nullptr && table->discovers_hosts()) {
      errors_.Add(path.Field("vhds"), "is for routes by name (rds): write virtual_hosts here");
    }
    return table == nullptr ? nullptr : MakeRouteSnapshot(std::move(table), errors_);
  }

  void AccessLogs() {
    config_->access_logs = access_log::CompileAccessLogs(proto_.access_log(), compiler_.log_writer,
                                                         path_.Field("access_log"), errors_);
    for (const auto& log : proto_.access_log()) {
      // Asking the kernel for a socket's own address costs a system call: only where it is shown.
      const std::string text = log.SerializeAsString();
      config_->logs_upstream_local = config_->logs_upstream_local ||
                                     text.find("UPSTREAM_LOCAL") != std::string::npos ||
                                     text.find("local_address") != std::string::npos;
      config_->asks_notes = config_->asks_notes || access_log::AsksForNotes(text);
    }
    for (const auto& filter : proto_.http_filters()) {
      const std::string text = filter.SerializeAsString();
      if (text.find("UPSTREAM_LOCAL") != std::string::npos) config_->logs_upstream_local = true;
      config_->asks_notes = config_->asks_notes || access_log::AsksForNotes(text);
    }
    for (const std::string& text :
         {proto_.tracing().SerializeAsString(), proto_.local_reply_config().SerializeAsString()}) {
      config_->asks_notes = config_->asks_notes || access_log::AsksForNotes(text);
    }
  }

  const HcmProto& proto_;
  const ListenerCompiler& compiler_;
  const config::Path& path_;
  config::Errors& errors_;
  std::unique_ptr<HttpConfig> config_ = std::make_unique<HttpConfig>();
};

}  // namespace

std::shared_ptr<const HttpConfig> CompileHttpConfig(const HcmProto& proto,
                                                    const ListenerCompiler& compiler,
                                                    const config::Path& path,
                                                    config::Errors& errors) {
  return HttpCompiler(proto, compiler, path, errors).Compile();
}

}  // namespace proxenos::downstream
