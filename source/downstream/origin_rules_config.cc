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
#include "source/route/field_change_config.h"

namespace proxenos::downstream {
namespace {

namespace detection = envoy::extensions::http::original_ip_detection;
using HcmProto =
    envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
using CustomHeader = detection::custom_header::v3::CustomHeaderConfig;
using EarlyMutation =
    envoy::extensions::http::early_header_mutation::header_mutation::v3::HeaderMutation;
using Xff = detection::xff::v3::XffConfig;

AddressDetector CompileXff(const Xff& proto, const config::Path& path, config::Errors& errors) {
  AddressDetector detector;
  detector.append = proto.has_skip_xff_append() && !proto.skip_xff_append().value();
  detector.hops = proto.xff_num_trusted_hops();
  const auto& cidrs = proto.xff_trusted_cidrs().cidrs();
  if (proto.has_xff_trusted_cidrs() && detector.hops > 0) {
    errors.Add(path, "expected one of xff_num_trusted_hops, xff_trusted_cidrs");
  }
  if (!cidrs.empty()) detector.kind = AddressDetector::Kind::kTrusted;
  for (int i = 0; i < cidrs.size(); ++i) {
    if (detector.trusted.Add(cidrs[i].address_prefix(), cidrs[i].prefix_len().value())) continue;
    errors.AddValue(path.Field("xff_trusted_cidrs").Field("cidrs").Index(static_cast<size_t>(i)),
                    absl::StrCat(cidrs[i].address_prefix(), "/", cidrs[i].prefix_len().value()),
                    "an IP address and no more bits than it has");
  }
  return detector;
}

AddressDetector CompileCustomHeader(const CustomHeader& proto) {
  constexpr uint16_t kForbidden = 403;
  AddressDetector detector;
  detector.kind = AddressDetector::Kind::kHeader;
  detector.header = absl::AsciiStrToLower(proto.header_name());
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

}  // namespace

std::shared_ptr<const OriginRules> CompileOrigin(const HcmProto& proto, const config::Path& path,
                                                 config::Errors& errors) {
  if (!proto.has_scheme_header_transformation() && !proto.add_user_agent().value() &&
      !proto.append_x_forwarded_port() && proto.original_ip_detection_extensions().empty() &&
      proto.early_header_mutation_extensions().empty()) {
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
  return rules;
}

}  // namespace proxenos::downstream
