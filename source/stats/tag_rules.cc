// Taking names apart. See tag_rules.h.
#include "source/stats/tag_rules.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "re2/re2.h"
#include "source/stats/scope_tags.h"

namespace proxenos::stats {
namespace {

// Those that Envoy extracts by default; ours are among them.
constexpr absl::string_view kDefaultTags[] = {
    "cipher_suite",
    "envoy.clientssl_prefix",
    "envoy.cluster_name",
    "envoy.connection_limit_prefix",
    "envoy.dns_filter_prefix",
    "envoy.dynamo_operation",
    "envoy.dynamo_partition_id",
    "envoy.dynamo_table",
    "envoy.ext_authz_prefix",
    "envoy.fault_downstream_cluster",
    "envoy.google_grpc_client_prefix",
    "envoy.grpc_bridge_method",
    "envoy.grpc_bridge_service",
    "envoy.http_conn_manager_prefix",
    "envoy.http_user_agent",
    "envoy.listener_address",
    "envoy.local_http_ratelimit_prefix",
    "envoy.local_listener_ratelimit_prefix",
    "envoy.local_network_ratelimit_prefix",
    "envoy.mongo_callsite",
    "envoy.mongo_cmd",
    "envoy.mongo_collection",
    "envoy.mongo_prefix",
    "envoy.proxy_protocol_prefix",
    "envoy.proxy_protocol_version",
    "envoy.ratelimit_prefix",
    "envoy.rbac_http_prefix",
    "envoy.rbac_policy_name",
    "envoy.rbac_prefix",
    "envoy.rds_route_config",
    "envoy.redis_prefix",
    "envoy.response_code",
    "envoy.response_code_class",
    "envoy.route",
    "envoy.scoped_rds_config",
    "envoy.ssl_cipher",
    "envoy.ssl_curve",
    "envoy.ssl_sigalg",
    "envoy.ssl_version",
    "envoy.tcp_prefix",
    "envoy.thrift_prefix",
    "envoy.udp_prefix",
    "envoy.virtual_cluster",
    "envoy.virtual_host",
    "envoy.worker_id",
    "envoy.workload",
    "envoy.xds_authority",
    "envoy.xds_resource_name",
};

// `(?=\.).*?\.` is `(?:|\..*?)\.` and `(?=\.).*\.` is `(?:\..*|)\.`: the one use of a lookahead
// that stat tags in the field have, said without one.
std::string WithoutLookahead(absl::string_view pattern) {
  const size_t at = pattern.find("(?=");
  if (at == absl::string_view::npos) return std::string(pattern);
  absl::string_view rest = pattern.substr(at + 3);
  const size_t close = rest.find(')');
  if (close == absl::string_view::npos) return std::string(pattern);
  const absl::string_view ahead = rest.substr(0, close);
  const bool escaped = ahead.size() == 2 && ahead[0] == '\\' &&
                       absl::ascii_ispunct(static_cast<unsigned char>(ahead[1]));
  const bool letter =
      ahead.size() == 1 && absl::ascii_isalnum(static_cast<unsigned char>(ahead[0]));
  if (!escaped && !letter) return std::string(pattern);
  rest.remove_prefix(close + 1);
  if (!absl::StartsWith(rest, ".*")) return std::string(pattern);
  rest.remove_prefix(2);
  const bool lazy = absl::ConsumePrefix(&rest, "?");
  if (!absl::StartsWith(rest, ahead)) return std::string(pattern);
  // What is repeated would not be one character any more.
  const absl::string_view after = rest.substr(ahead.size());
  if (!after.empty() && absl::StrContains("?*+{", after.substr(0, 1))) return std::string(pattern);
  const std::string either =
      lazy ? absl::StrCat("(?:|", ahead, ".*?)") : absl::StrCat("(?:", ahead, ".*|)");
  return absl::StrCat(pattern.substr(0, at), either, rest);
}

// The longest run of plain characters that stands in every match: outside of groups, classes and
// repetitions. Empty when there may be none.
std::string RequiredLiteral(absl::string_view pattern) {
  std::string best;
  std::string run;
  int depth = 0;
  const auto end_run = [&best, &run] {
    if (run.size() > best.size()) best = run;
    run.clear();
  };
  for (size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    bool plain = absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
    if (c == '\\' && i + 1 < pattern.size()) {
      c = pattern[++i];
      plain = absl::ascii_ispunct(static_cast<unsigned char>(c));
      if (!plain && depth == 0) end_run();
      if (!plain) continue;
    } else if (c == '[') {  // A class ends at the first ']' that is not escaped or a POSIX name's.
      if (depth == 0) end_run();
      for (++i; i < pattern.size() && pattern[i] != ']'; ++i) {
        if (pattern[i] == '\\') ++i;
        if (pattern.substr(i, 2) == "[:") i = std::min(pattern.find(":]", i) + 1, pattern.size());
      }
      continue;
    } else if (c == '|' && depth == 0) {
      return "";
    } else if (c == '(' || c == ')') {
      depth += c == '(' ? 1 : -1;
    } else if (depth == 0 && absl::StrContains("?*{", absl::string_view(&c, 1)) && !run.empty()) {
      run.pop_back();
    }
    if (depth > 0 || !plain) {
      end_run();
    } else {
      run.push_back(c);
    }
    if (c == '{') i = std::min(pattern.find('}', i), pattern.size());
  }
  end_run();
  return best;
}

struct Part {
  size_t start;
  size_t end;
};

// `name` without the parts, which may overlap.
std::string Without(absl::string_view name, std::vector<Part> parts) {
  std::sort(parts.begin(), parts.end(),
            [](const Part& a, const Part& b) { return a.start < b.start; });
  std::string left;
  size_t at = 0;
  for (const Part& part : parts) {
    if (part.start > at) absl::StrAppend(&left, name.substr(at, part.start - at));
    at = std::max(at, part.end);
  }
  absl::StrAppend(&left, name.substr(at));
  return left;
}

// Where in `stat.name` the tag stands that its family lacks: all from '_' on, or the digit of a
// class alone.
Part TagOf(const Stat& stat) {
  if (absl::StartsWith(stat.name, stat.family)) return {stat.family.size(), stat.name.size()};
  return {stat.name.size() - 2 - stat.tag_value.size(), stat.name.size() - 2};
}

// A value of the prefix with the dot behind it, as Envoy takes it out; with what stands before it
// where that is an underscore ("worker_3") or there is nothing behind.
Part PartOf(absl::string_view prefix, absl::string_view value) {
  const size_t start = static_cast<size_t>(value.data() - prefix.data());
  const size_t end = start + value.size();
  const bool dot_behind = end < prefix.size() && prefix[start - 1] != '_';
  return dot_behind ? Part{start, end + 1} : Part{start - 1, end};
}

}  // namespace

absl::Status TagRules::ShowDefault(absl::string_view tag) {
  const auto* const end = std::end(kDefaultTags);
  if (std::find(std::begin(kDefaultTags), end, tag) == end) {
    return absl::InvalidArgumentError(
        absl::StrCat("no regex is given, and there is no tag ", tag, " by default"));
  }
  defaults_.emplace_back(tag);
  return absl::OkStatus();
}

absl::Status TagRules::AddRegex(absl::string_view tag, absl::string_view pattern) {
  if (rules_.size() == kMaxRules) {
    return absl::InvalidArgumentError(absl::StrCat("more than ", kMaxRules, " tags"));
  }
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  auto regex = std::make_shared<const RE2>(WithoutLookahead(pattern), options);
  if (!regex->ok()) {
    return absl::InvalidArgumentError(absl::StrCat("is not RE2 syntax: ", regex->error()));
  }
  if (regex->NumberOfCapturingGroups() < 1) {
    return absl::InvalidArgumentError("has no group that says which part of a name is the tag");
  }
  const bool nested = regex->NumberOfCapturingGroups() > 1;
  rules_.push_back({std::string(tag), RequiredLiteral(pattern), std::move(regex), nested});
  return absl::OkStatus();
}

void TagRules::AddFixed(absl::string_view tag, absl::string_view value) {
  fixed_.push_back({std::string(tag), std::string(value)});
}

bool TagRules::Shows(absl::string_view default_tag) const {
  return all_defaults_ ||
         std::find(defaults_.begin(), defaults_.end(), default_tag) != defaults_.end();
}

bool TagRules::MayConcern(absl::string_view full_name) const {
  return !all_defaults_ || std::any_of(rules_.begin(), rules_.end(), [full_name](const Rule& rule) {
    return absl::StrContains(full_name, rule.literal);
  });
}

TaggedStat TagRules::Take(const ScopeName& scope, const Stat& stat) const {
  const std::string name = absl::StrCat(scope.prefix(), stat.name);
  TaggedStat result;
  std::vector<Part> parts;
  if (name.size() <= kMaxNameBytes) {
    for (const Rule& rule : rules_) {
      if (!absl::StrContains(name, rule.literal)) continue;
      std::array<re2::StringPiece, 3> groups;
      if (!rule.regex->Match(name, 0, name.size(), RE2::UNANCHORED, groups.data(),
                             rule.nested ? 3 : 2) ||
          groups[1].data() == nullptr) {
        continue;
      }
      const size_t start = static_cast<size_t>(groups[1].data() - name.data());
      parts.push_back({start, start + groups[1].size()});
      const re2::StringPiece& value = groups[rule.nested ? 2 : 1];
      result.tags.push_back({rule.tag, std::string(value.data(), value.size())});
    }
  }
  const auto taken = [&result](absl::string_view tag) {
    return std::any_of(result.tags.begin(), result.tags.end(),
                       [tag](const Tag& other) { return other.name == tag; });
  };
  if (!stat.tag.empty() && Shows(stat.tag)) {
    const Part part = TagOf(stat);
    parts.push_back({scope.prefix().size() + part.start, scope.prefix().size() + part.end});
    if (!taken(stat.tag)) {
      result.tags.push_back({std::string(stat.tag), std::string(stat.tag_value)});
    }
  }
  ForEachTag(scope, [this, &scope, &parts, &taken, &result](absl::string_view tag,
                                                            absl::string_view value) {
    if (!Shows(tag)) return;
    parts.push_back(PartOf(scope.prefix(), value));
    if (!taken(tag)) result.tags.push_back({std::string(tag), std::string(value)});
  });
  result.family = Without(name, std::move(parts));
  return result;
}

const StatView& StatView::Plain() {
  static const StatView* const plain = new StatView;
  return *plain;
}

}  // namespace proxenos::stats
