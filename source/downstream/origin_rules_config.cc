// Extension by extension.
#include "source/downstream/origin_rules_config.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation.pb.h"
#include "envoy/extensions/http/original_ip_detection/custom_header/v3/custom_header.pb.h"
#include "envoy/extensions/http/original_ip_detection/xff/v3/xff.pb.h"
#include "source/config/typed_config.h"
#include "source/downstream/client_cert_config.h"
#include "source/downstream/local_reply_config.h"
#include "source/route/field_change_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::downstream {
namespace {

namespace detection = envoy::extensions::http::original_ip_detection;
using HcmProto =
    envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
using CustomHeader = detection::custom_header::v3::CustomHeaderConfig;
using EarlyMutation =
    envoy::extensions::http::early_header_mutation::header_mutation::v3::HeaderMutation;
using Xff = detection::xff::v3::XffConfig;

void AddRanges(const google::protobuf::RepeatedPtrField<envoy::config::core::v3::CidrRange>& cidrs,
               const config::Path& path, config::Errors& errors, match::IpSet& to) {
  for (int i = 0; i < cidrs.size(); ++i) {
    if (to.Add(cidrs[i].address_prefix(), cidrs[i].prefix_len().value())) continue;
    errors.AddValue(path.Index(static_cast<size_t>(i)),
                    absl::StrCat(cidrs[i].address_prefix(), "/", cidrs[i].prefix_len().value()),
                    "an IP address and no more bits than it has");
  }
}

AddressDetector CompileXff(const Xff& proto, const config::Path& path, config::Errors& errors) {
  AddressDetector detector;
  detector.append = proto.has_skip_xff_append() && !proto.skip_xff_append().value();
  detector.hops = proto.xff_num_trusted_hops();
  const auto& cidrs = proto.xff_trusted_cidrs().cidrs();
  if (proto.has_xff_trusted_cidrs() && detector.hops > 0) {
    errors.Add(path, "expected one of xff_num_trusted_hops, xff_trusted_cidrs");
  }
  if (!cidrs.empty()) detector.kind = AddressDetector::Kind::kTrusted;
  AddRanges(cidrs, path.Field("xff_trusted_cidrs").Field("cidrs"), errors, detector.trusted);
  return detector;
}

AddressDetector CompileCustomHeader(const CustomHeader& proto) {
  constexpr uint16_t kForbidden = 403;
  AddressDetector detector;
  detector.kind = AddressDetector::Kind::kHeader;
  detector.header = absl::AsciiStrToLower(proto.header_name());
  detector.may_be_internal = proto.allow_extension_to_set_address_as_trusted();
  if (proto.has_reject_with_status()) {
    const int code = proto.reject_with_status().code();
    detector.reject_status = code < 400 || code > 511 ? kForbidden : static_cast<uint16_t>(code);
  }
  return detector;
}

void CompileDetectors(const HcmProto& proto, const config::Path& path, config::Errors& errors,
                      OriginRules& to) {
  const auto& protos = proto.original_ip_detection_extensions();
  const config::Path at = path.Field("original_ip_detection_extensions");
  if (protos.empty()) return;
  if (proto.use_remote_address().value() || proto.xff_num_trusted_hops() > 0) {
    errors.Add(at, "cannot stand beside use_remote_address or xff_num_trusted_hops");
  }
  for (int i = 0; i < protos.size(); ++i) {
    const config::Path one = at.Index(static_cast<size_t>(i)).Field("typed_config");
    const auto& any = protos[i].typed_config();
    const std::string type = config::TypedConfigType(any);
    if (type == CustomHeader::descriptor()->full_name()) {
      CustomHeader header;
      if (config::UnpackTypedConfigTo(any, header, one, errors)) {
        to.detectors.push_back(CompileCustomHeader(header));
      }
      continue;
    }
    Xff xff;
    if (config::UnpackTypedConfigTo(any, xff, one, errors)) {
      to.detectors.push_back(CompileXff(xff, one, errors));
    }
  }
}

InternalAddresses CompileInternal(const HcmProto::InternalAddressConfig& proto,
                                  const config::Path& path, config::Errors& errors) {
  // Private addresses (RFC 1918, RFC 4193) and this machine's own, as Envoy has them.
  static constexpr struct {
    absl::string_view ip;
    uint32_t bits;
  } kPrivate[] = {{"10.0.0.0", 8},   {"172.16.0.0", 12}, {"192.168.0.0", 16},
                  {"127.0.0.1", 32}, {"fd00::", 8},      {"::1", 128}};
  InternalAddresses internal;
  internal.unix_sockets = proto.unix_sockets();
  if (proto.cidr_ranges().empty()) {
    for (const auto& range : kPrivate) internal.ranges.Add(range.ip, range.bits);
  }
  AddRanges(proto.cidr_ranges(), path.Field("cidr_ranges"), errors, internal.ranges);
  return internal;
}

void CompileEarlyHeaders(const HcmProto& proto, const config::Path& path, config::Errors& errors,
                         OriginRules& to) {
  const auto& protos = proto.early_header_mutation_extensions();
  if (protos.empty()) return;
  route::RouteTableParts parts;  // Of which only the formats are used.
  route::Compilation compilation(errors, parts, {});
  for (int i = 0; i < protos.size(); ++i) {
    const config::Path one = path.Field("early_header_mutation_extensions")
                                 .Index(static_cast<size_t>(i))
                                 .Field("typed_config");
    EarlyMutation mutation;
    if (!config::UnpackTypedConfigTo(protos[i].typed_config(), mutation, one, errors)) continue;
    for (route::FieldChange& change :
         route::CompileFieldChanges(mutation.mutations(), compilation, one.Field("mutations"))) {
      to.early_changes.push_back(std::move(change));
    }
  }
  for (const route::FormatString& format : parts.formats) {
    auto compiled =
        access_log::Formatter::Compile(format.text, {.omit_empty_values = true, .extensions = {}});
    if (compiled.ok()) {
      to.formats.push_back(*std::move(compiled));
    } else {
      errors.Add(config::Path(format.path), std::string(compiled.status().message()));
    }
  }
}

ProxyStatus CompileProxyStatus(const HcmProto& manager) {
  const HcmProto::ProxyStatusConfig& proto = manager.proxy_status_config();
  ProxyStatus status;
  status.node_id = proto.proxy_name_case() == HcmProto::ProxyStatusConfig::kUseNodeId;
  status.name = ProxyName(proto.proxy_name_case() == HcmProto::ProxyStatusConfig::kLiteralProxyName
                              ? proto.literal_proxy_name()
                          : manager.server_name().empty() ? "envoy"
                                                          : manager.server_name());
  status.details = !proto.remove_details();
  status.flags = !proto.remove_response_flags();
  status.connection_details = !proto.remove_connection_termination_details();
  status.sets_status = proto.set_recommended_response_code();
  return status;
}

// Whether any of the fields is there that CompileRest and its callers read.
bool HasRest(const HcmProto& proto) {
  return proto.has_internal_address_config() || proto.has_local_reply_config() ||
         proto.has_proxy_status_config() || proto.append_local_overload() ||
         proto.has_forward_proto_config() || proto.has_stream_flush_timeout() ||
         proto.has_access_log_options() || proto.has_access_log_flush_interval() ||
         proto.flush_access_log_on_new_request() || proto.has_forward_client_cert_matcher();
}

void CompileLogOptions(const HcmProto& proto, const config::Path& path, config::Errors& errors,
                       OriginRules& to) {
  const auto& options = proto.access_log_options();
  const bool old = proto.has_access_log_flush_interval();
  if (proto.has_access_log_options() && (old || proto.flush_access_log_on_new_request())) {
    errors.Add(path.Field(old ? "access_log_flush_interval" : "flush_access_log_on_new_request"),
               "cannot stand beside access_log_options: write it there");
  }
  if (old) {
    to.log_interval = upstream::CompileDuration(proto.access_log_flush_interval(), errors,
                                                path.Field("access_log_flush_interval"));
  }
  if (options.has_access_log_flush_interval()) {
    to.log_interval = upstream::CompileDuration(
        options.access_log_flush_interval(), errors,
        path.Field("access_log_options").Field("access_log_flush_interval"));
  }
  to.logs_new_requests =
      proto.flush_access_log_on_new_request() || options.flush_access_log_on_new_request();
  to.logs_tunnels = options.flush_log_on_tunnel_successfully_established();
}

void CompileRest(const HcmProto& proto, const config::Path& path, config::Errors& errors,
                 OriginRules& to) {
  CompileLogOptions(proto, path, errors, to);
  to.append_local_overload = proto.append_local_overload();
  const auto& ports = proto.forward_proto_config();
  to.https_ports.assign(ports.https_destination_ports().begin(),
                        ports.https_destination_ports().end());
  to.http_ports.assign(ports.http_destination_ports().begin(),
                       ports.http_destination_ports().end());
  if (proto.has_stream_flush_timeout()) {
    to.stream_flush_timeout = upstream::CompileDuration(proto.stream_flush_timeout(), errors,
                                                        path.Field("stream_flush_timeout"));
  }
  if (proto.has_proxy_status_config()) to.proxy_status = CompileProxyStatus(proto);
}

}  // namespace

std::shared_ptr<const OriginRules> CompileOrigin(const HcmProto& proto, const config::Path& path,
                                                 config::Errors& errors) {
  if (!proto.has_scheme_header_transformation() && !proto.add_user_agent().value() &&
      !proto.append_x_forwarded_port() && proto.original_ip_detection_extensions().empty() &&
      proto.early_header_mutation_extensions().empty() && !HasRest(proto)) {
    return nullptr;
  }
  auto rules = std::make_unique<OriginRules>();
  rules->scheme = proto.scheme_header_transformation().scheme_to_overwrite();
  rules->scheme_of_upstream =
      rules->scheme.empty() && proto.scheme_header_transformation().match_upstream();
  rules->add_user_agent = proto.add_user_agent().value();
  rules->append_x_forwarded_port = proto.append_x_forwarded_port();
  CompileDetectors(proto, path, errors, *rules);
  CompileEarlyHeaders(proto, path, errors, *rules);
  CompileRest(proto, path, errors, *rules);
  if (proto.has_local_reply_config()) {
    rules->local_replies =
        CompileLocalReplies(proto.local_reply_config(), path.Field("local_reply_config"), errors);
  }
  if (proto.has_forward_client_cert_matcher()) {
    rules->client_cert = CompileClientCertChoice(proto.forward_client_cert_matcher(),
                                                 path.Field("forward_client_cert_matcher"), errors);
  }
  if (proto.has_internal_address_config()) {
    rules->internal = CompileInternal(proto.internal_address_config(),
                                      path.Field("internal_address_config"), errors);
  }
  return rules;
}

}  // namespace proxenos::downstream
