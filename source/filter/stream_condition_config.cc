// Conditions on certificates, metadata and filter state, each asked of the stream's info.
#include "source/filter/stream_condition_config.h"

#include <optional>
#include <string>
#include <utility>

#include "source/filter/stream_info.h"
#include "source/match/ip_set.h"
#include "source/match/match_config.h"
#include "source/match/value_matcher_config.h"

namespace proxenos::filter {
namespace {

namespace v3 = envoy::config::route::v3;
using Conditions = std::vector<route::StreamCondition>;
using StateProto = envoy::type::matcher::v3::FilterStateMatcher;

const StreamInfo& InfoOf(const route::MatchInput& input) {
  static const StreamInfo kNoStream;
  return input.stream == nullptr ? kNoStream : *input.stream;
}

void CompileTls(const v3::RouteMatch::TlsContextMatchOptions& config, Conditions* conditions) {
  std::optional<bool> presented;
  std::optional<bool> validated;
  if (config.has_presented()) presented = config.presented().value();
  if (config.has_validated()) validated = config.validated().value();
  if (!presented && !validated) return;
  conditions->push_back([presented, validated](const route::MatchInput& input) {
    const ConnectionInfo* connection = InfoOf(input).connection;
    const tls::SessionInfo* tls = connection == nullptr ? nullptr : connection->tls;
    if (presented && *presented != (tls != nullptr && tls->peer_presented())) return false;
    return !validated || *validated == (tls != nullptr && tls->peer_validated());
  });
}

void CompileRanges(const StateProto& proto, const config::Path& path, config::Errors& errors,
                   Conditions* conditions) {
  const auto& ranges = proto.address_match().ranges();
  match::IpSet set;
  for (int i = 0; i < ranges.size(); ++i) {
    if (set.Add(ranges[i].address_prefix(), ranges[i].prefix_len().value())) continue;
    errors.AddValue(path.Field("address_match").Field("ranges").Index(static_cast<size_t>(i)),
                    ranges[i].address_prefix(), "an IP address and no more bits than it has");
    return;
  }
  const bool invert = proto.address_match().invert_match();
  conditions->push_back(
      [name = proto.key(), set = std::move(set), invert](const route::MatchInput& input) {
        const std::string* value = InfoOf(input).state.Find(name);
        const auto ip = value == nullptr ? std::nullopt : match::ParseIp(*value);
        // What is no address is in no range, nor outside of one.
        return ip.has_value() && set.Contains(*ip) != invert;
      });
}

void CompileState(const StateProto& proto, const config::Path& path, config::Errors& errors,
                  Conditions* conditions) {
  if (proto.has_address_match()) return CompileRanges(proto, path, errors, conditions);
  auto text = match::CompileStringMatcher(proto.string_match(), errors, path.Field("string_match"));
  if (!text) return;
  conditions->push_back(
      [name = proto.key(), text = *std::move(text)](const route::MatchInput& input) {
        const std::string* value = InfoOf(input).state.Find(name);
        return value != nullptr && text.Matches(*value);
      });
}

}  // namespace

void CompileStreamConditions(const v3::RouteMatch& config, const config::Path& path,
                             config::Errors& errors, Conditions* conditions) {
  if (config.has_tls_context()) CompileTls(config.tls_context(), conditions);
  for (int i = 0; i < config.dynamic_metadata_size(); ++i) {
    auto matcher =
        match::CompileMetadataMatcher(config.dynamic_metadata(i), errors,
                                      path.Field("dynamic_metadata").Index(static_cast<size_t>(i)));
    if (!matcher) continue;
    conditions->push_back([matcher = *std::move(matcher)](const route::MatchInput& input) {
      return matcher.Matches(InfoOf(input).metadata.all());
    });
  }
  for (int i = 0; i < config.filter_state_size(); ++i) {
    CompileState(config.filter_state(i), path.Field("filter_state").Index(static_cast<size_t>(i)),
                 errors, conditions);
  }
}

}  // namespace proxenos::filter
