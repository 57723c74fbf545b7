// Fixed values, and formats of which all is known beforehand.
#include "source/upstream/proxy_tlv_config.h"

#include <unistd.h>

#include <bitset>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "source/config/data_source.h"
#include "source/config/typed_config.h"
#include "source/upstream/host_tlvs.h"

namespace proxenos::upstream {
namespace {

namespace core = envoy::config::core::v3;

// PerHostConfig of the PROXY header's transport socket.
constexpr char kHostKey[] = "envoy.transport_sockets.proxy_protocol";

// The value of an operator that says the same of every connection; nothing for all others.
std::optional<std::string> ConstantOf(absl::string_view name, const char* absent) {
  if (name == "HOSTNAME") {
    char host[256] = {};
    return gethostname(host, sizeof(host) - 1) == 0 ? host : absent;
  }
  if (!absl::ConsumePrefix(&name, "ENVIRONMENT(") || !absl::ConsumeSuffix(&name, ")")) {
    return std::nullopt;
  }
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr ? absent : value;
}

// Envoy fills formats in with what it knows of a connection to a host that is about to be made,
// which is nothing of the client or the request: what is left is known here and now.
std::optional<std::string> CompileFormat(const std::string& format, const char* absent,
                                         const config::Path& path, config::Errors& errors) {
  std::string value;
  for (absl::string_view rest = format; !rest.empty();) {
    const size_t percent = rest.find('%');
    value.append(rest.data(), percent == absl::string_view::npos ? rest.size() : percent);
    if (percent == absl::string_view::npos) break;
    rest.remove_prefix(percent + 1);
    const size_t end = rest.find('%');
    const absl::string_view name = rest.substr(0, end);
    const auto constant = end == 0 ? std::optional<std::string>("%") : ConstantOf(name, absent);
    if (end == absl::string_view::npos || !constant) {
      errors.AddValue(path, absl::StrCat("%", name, end == absl::string_view::npos ? "" : "%"),
                      "%HOSTNAME%, %ENVIRONMENT(X)% or text: nothing else is known before a "
                      "connection to a host is made");
      return std::nullopt;
    }
    value += *constant;
    rest.remove_prefix(end + 1);
  }
  return value;
}

std::optional<std::string> CompileFormatString(const core::SubstitutionFormatString& proto,
                                               const config::Path& path, config::Errors& errors) {
  if (proto.has_json_format() || proto.formatters_size() > 0) {
    errors.Add(path, "expected text_format_source alone");
    return std::nullopt;
  }
  const char* absent = proto.omit_empty_values() ? "" : "-";
  if (!proto.has_text_format_source()) {
    return CompileFormat(proto.text_format(), absent, path.Field("text_format"), errors);
  }
  const config::Path source = path.Field("text_format_source");
  const auto text =
      config::ReadDataSource(proto.text_format_source(), source, errors, kMaxAddedTlvBytes);
  return text ? CompileFormat(*text, absent, source, errors) : std::nullopt;
}

template <typename Entries>
net::ProxyTlvs CompileEntries(const Entries& entries, bool formats, const config::Path& path,
                              config::Errors& errors) {
  net::ProxyTlvs tlvs;
  for (int i = 0; i < entries.size(); ++i) {
    const core::TlvEntry& each = entries.Get(i);
    const config::Path at = path.Index(static_cast<size_t>(i));
    const auto type = static_cast<uint8_t>(each.type());
    if (each.type() > UINT8_MAX) {
      errors.AddValue(at.Field("type"), std::to_string(each.type()), "a number up to 255");
    } else if (!each.has_format_string()) {
      tlvs.push_back({type, each.value()});
    } else if (!formats || !each.value().empty()) {
      errors.Add(at.Field("format_string"), formats ? "expected either value or this"
                                                    : "expected value: here nothing fills "
                                                      "formats in");
    } else if (auto value =
                   CompileFormatString(each.format_string(), at.Field("format_string"), errors)) {
      // As Envoy does: a format that comes to nothing is no TLV.
      if (!value->empty()) tlvs.push_back({type, *std::move(value)});
    }
  }
  return tlvs;
}

void LimitBytes(const net::ProxyTlvs& tlvs, size_t limit, const config::Path& path,
                config::Errors& errors) {
  size_t bytes = 0;
  for (const net::ProxyTlv& tlv : tlvs) bytes += SizeOf(tlv);
  if (bytes > limit) {
    errors.Add(path, absl::StrCat("are longer than ", limit, " bytes together"));
  }
}

}  // namespace

std::shared_ptr<const ProxyTlvRules> CompileProxyTlvs(const core::ProxyProtocolConfig& proto,
                                                      config::Errors& errors,
                                                      const config::Path& path) {
  if (!proto.has_pass_through_tlvs() && proto.added_tlvs().empty()) return nullptr;
  if (proto.version() != core::ProxyProtocolConfig::V2) {
    errors.Add(path.Field("version"), "expected V2: a header of version 1 has no TLVs");
  }
  ProxyTlvRules rules;
  if (proto.has_pass_through_tlvs()) {
    const auto& wanted = proto.pass_through_tlvs();
    if (wanted.match_type() == core::ProxyProtocolPassThroughTLVs::INCLUDE_ALL) rules.passes.set();
    for (const uint32_t type : wanted.tlv_type()) rules.passes.set(type);
  }
  const config::Path added = path.Field("added_tlvs");
  rules.added = CompileEntries(proto.added_tlvs(), /*formats=*/true, added, errors);
  LimitBytes(rules.added, kMaxAddedTlvBytes, added, errors);
  return std::make_shared<const ProxyTlvRules>(std::move(rules));
}

net::ProxyTlvs CompileHostTlvs(const core::Metadata& metadata, config::Errors& errors,
                               const config::Path& path) {
  const auto found = metadata.typed_filter_metadata().find(kHostKey);
  if (found == metadata.typed_filter_metadata().end()) return {};
  const config::Path at = path.Field("typed_filter_metadata").Key(kHostKey);
  core::PerHostConfig proto;
  if (!config::UnpackTypedConfigTo(found->second, proto, at, errors)) return {};
  const config::Path added = at.Field("added_tlvs");
  net::ProxyTlvs tlvs = CompileEntries(proto.added_tlvs(), /*formats=*/false, added, errors);
  const size_t before = errors.count();
  LimitBytes(tlvs, kMaxHostTlvBytes, added, errors);
  if (errors.count() > before) tlvs.clear();
  return tlvs;
}

}  // namespace proxenos::upstream
