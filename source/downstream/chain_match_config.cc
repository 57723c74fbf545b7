// Criterion by criterion.
#include "source/downstream/chain_match_config.h"

#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace proxenos::downstream {
namespace {

using MatchProto = envoy::config::listener::v3::FilterChainMatch;

template <typename Ranges>
std::vector<AddressRange> CompileRanges(const Ranges& protos, const config::Path& path,
                                        config::Errors& errors) {
  std::vector<AddressRange> ranges;
  for (int i = 0; i < protos.size(); ++i) {
    const auto& proto = protos[i];
    const config::Path at = path.Index(static_cast<size_t>(i));
    const auto address = net::Address::FromIp(proto.address_prefix(), 0);
    if (!address.ok()) {
      errors.Add(at.Field("address_prefix"),
                 absl::StrCat("value '", proto.address_prefix(), "': expected an IP address"));
      continue;
    }
    const uint32_t most = address->family() == net::Address::Family::kIpv4 ? 32 : 128;
    const uint32_t bits = proto.has_prefix_len() ? proto.prefix_len().value() : 0;
    if (bits > most) {
      errors.Add(at.Field("prefix_len"),
                 absl::StrCat("value ", bits, ": expected at most ", most, " for such an address"));
      continue;
    }
    ranges.push_back(AddressRange{*address, bits});
  }
  return ranges;
}

// "www.example.com" or "*.example.com".
void CheckServerName(const std::string& name, const config::Path& path, config::Errors& errors) {
  absl::string_view rest = name;
  absl::ConsumePrefix(&rest, "*.");
  if (rest.empty() || absl::StrContains(rest, '*')) {
    errors.Add(path, absl::StrCat("value '", name,
                                  "': expected a name, or '*.' and a name: a part of a label "
                                  "cannot be left open, and for all names write none"));
  }
}

void CompileServerNames(const MatchProto& proto, ChainMatch::Criteria& criteria,
                        const config::Path& path, config::Errors& errors) {
  for (int i = 0; i < proto.server_names_size(); ++i) {
    CheckServerName(proto.server_names(i), path.Field("server_names").Index(static_cast<size_t>(i)),
                    errors);
    criteria.server_names.push_back(absl::AsciiStrToLower(proto.server_names(i)));
  }
}

}  // namespace

ChainMatch::Criteria CompileCriteria(const MatchProto& proto, const config::Path& path,
                                     config::Errors& errors) {
  ChainMatch::Criteria criteria;
  if (proto.has_destination_port()) {
    criteria.destination_ports.push_back(static_cast<uint16_t>(proto.destination_port().value()));
  }
  criteria.destinations = CompileRanges(proto.prefix_ranges(), path.Field("prefix_ranges"), errors);
  CompileServerNames(proto, criteria, path, errors);
  criteria.transport_protocol = proto.transport_protocol();
  criteria.application_protocols.assign(proto.application_protocols().begin(),
                                        proto.application_protocols().end());
  criteria.direct_sources = CompileRanges(proto.direct_source_prefix_ranges(),
                                          path.Field("direct_source_prefix_ranges"), errors);
  if (proto.source_type() == MatchProto::SAME_IP_OR_LOOPBACK) {
    criteria.source_type = ChainMatch::SourceType::kSameIpOrLoopback;
  } else if (proto.source_type() == MatchProto::EXTERNAL) {
    criteria.source_type = ChainMatch::SourceType::kExternal;
  }
  criteria.sources =
      CompileRanges(proto.source_prefix_ranges(), path.Field("source_prefix_ranges"), errors);
  for (const uint32_t port : proto.source_ports()) {
    criteria.source_ports.push_back(static_cast<uint16_t>(port));
  }
  return criteria;
}

}  // namespace proxenos::downstream
