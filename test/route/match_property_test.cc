// Random tables and requests: the index against a plain walk over the configuration, written here
// without any of the table's own code but the matchers of single headers and parameters.
#include <map>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "envoy/extensions/path/match/uri_template/v3/uri_template_match.pb.h"
#include "gtest/gtest.h"
#include "re2/re2.h"
#include "source/base/random.h"
#include "source/filter/route_tree_config.h"
#include "source/filter/stream_info.h"
#include "test/route/request.h"

namespace proxenos::route {
namespace {

namespace v3 = envoy::config::route::v3;

struct Probe {
  std::string path, query, host;
  std::string header;  // Of x; empty: none.
  uint64_t random = 0;
  std::map<std::string, std::string> cookies;
  std::string metadata;  // Empty: none.
  std::string state;
};

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  bool OneIn(uint64_t n) { return random_.Below(n) == 0; }
  uint64_t Below(uint64_t n) { return random_.Below(n); }

  // Few letters and segments, so that patterns and paths meet often.
  std::string Path() {
    std::string path = "/";
    const uint64_t size = random_.Below(7);
    for (uint64_t i = 0; i < size; ++i) path.push_back("abA/"[random_.Below(4)]);
    return path;
  }
  std::string Host() {
    static const char* const kParts[] = {"a", "b", "A", "a.b", "-a"};
    std::string host = kParts[random_.Below(5)];
    const uint64_t size = random_.Below(3);
    for (uint64_t i = 0; i < size; ++i) absl::StrAppend(&host, ".", kParts[random_.Below(5)]);
    return host;
  }
  std::string Domain() {
    const uint64_t kind = random_.Below(8);
    if (kind == 0) return "*";
    if (kind <= 2) return absl::StrCat("*", OneIn(2) ? "." : "", Host());
    if (kind <= 4) return absl::StrCat(Host(), OneIn(2) ? "." : "", "*");
    return Host();
  }

  v3::Route Route(int number) {
    v3::Route route;
    route.set_name(absl::StrCat(number));
    route.mutable_route()->set_cluster("c");
    v3::RouteMatch& match = *route.mutable_match();
    switch (random_.Below(10)) {
      case 0:
      case 1:
        match.set_path(Path());
        break;
      case 2:
        match.set_path_separated_prefix(absl::StrCat(Path(), "a"));
        break;
      case 3:
        match.mutable_safe_regex()->set_regex(absl::StrCat(Path(), "[ab]*"));
        break;
      case 4:
        match.mutable_safe_regex()->set_regex(absl::StrCat("/.*", Path()));
        break;
      case 5:
        SetTemplate(match);
        break;
      default:
        match.set_prefix(OneIn(20) ? "" : Path());
    }
    if (OneIn(4)) match.mutable_case_sensitive()->set_value(false);
    if (OneIn(3)) {
      v3::HeaderMatcher& header = *match.add_headers();
      header.set_name("x");
      header.mutable_string_match()->set_exact(absl::StrCat(random_.Below(3)));
      header.set_invert_match(OneIn(3));
    }
    if (OneIn(6)) match.add_query_parameters()->set_name(OneIn(2) ? "q" : "r");
    if (OneIn(10)) {
      match.mutable_runtime_fraction()->mutable_default_value()->set_numerator(50);
    }
    if (OneIn(5)) AskFurther(match);
    return route;
  }

  // A segment, `*` or a variable, twice or three times; at times `**` behind them.
  void SetTemplate(v3::RouteMatch& match) {
    std::string text;
    const uint64_t segments = 1 + random_.Below(3);
    for (uint64_t i = 0; i < segments; ++i) {
      static const char* const kSegments[] = {"a", "b", "*", "{v", "a{v"};
      text += absl::StrCat("/", kSegments[random_.Below(5)]);
      if (text.back() == 'v') text += absl::StrCat(i, "}");
    }
    if (OneIn(3)) text += "/**";
    envoy::extensions::path::match::uri_template::v3::UriTemplateMatchConfig config;
    config.set_path_template(text);
    match.mutable_path_match_policy()->mutable_typed_config()->PackFrom(config);
  }

  void AskFurther(v3::RouteMatch& match) {
    switch (random_.Below(4)) {
      case 0: {
        v3::CookieMatcher& cookie = *match.add_cookies();
        cookie.set_name(OneIn(2) ? "k" : "l");
        cookie.mutable_string_match()->set_exact(absl::StrCat(random_.Below(2)));
        cookie.set_invert_match(OneIn(3));
        break;
      }
      case 1: {
        auto& metadata = *match.add_dynamic_metadata();
        metadata.set_filter("m");
        metadata.add_path()->set_key("k");
        metadata.mutable_value()->mutable_string_match()->set_exact(absl::StrCat(random_.Below(2)));
        metadata.set_invert(OneIn(3));
        break;
      }
      case 2: {
        auto& state = *match.add_filter_state();
        state.set_key("s");
        state.mutable_string_match()->set_exact(absl::StrCat(random_.Below(2)));
        break;
      }
      default:
        match.mutable_tls_context()->mutable_presented()->set_value(OneIn(3));
    }
  }

  v3::RouteConfiguration Config() {
    v3::RouteConfiguration config;
    std::map<std::string, bool> taken;
    const uint64_t hosts = 1 + random_.Below(5);
    int number = 0;
    for (uint64_t i = 0; i < hosts; ++i) {
      v3::VirtualHost host;
      host.set_name(absl::StrCat("v", i));
      const uint64_t domains = 1 + random_.Below(4);
      for (uint64_t j = 0; j < domains; ++j) {
        const std::string domain = Domain();
        if (taken.emplace(absl::AsciiStrToLower(domain), true).second) host.add_domains(domain);
      }
      const uint64_t routes = OneIn(3) ? random_.Below(4) : random_.Below(60);
      for (uint64_t j = 0; j < routes; ++j) *host.add_routes() = Route(number++);
      if (host.domains_size() > 0) *config.add_virtual_hosts() = host;
    }
    return config;
  }

  // What a request has besides its target and the field x.
  void Furnish(Probe& probe, filter::StreamInfo& info) {
    for (const char* name : {"k", "l"}) {
      if (OneIn(2)) probe.cookies[name] = absl::StrCat(random_.Below(2));
    }
    if (OneIn(2)) {
      probe.metadata = absl::StrCat(random_.Below(2));
      info.metadata.Set("m", "k", json::Value(probe.metadata));
    }
    if (OneIn(2)) {
      probe.state = absl::StrCat(random_.Below(2));
      info.state.Set("s", probe.state);
    }
  }

 private:
  base::Random random_;
};

std::string Lower(absl::string_view text) { return absl::AsciiStrToLower(text); }

bool Starts(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}
bool Ends(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() &&
         text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

// Rank of a domain for a host: higher is better, 0 is no match.
size_t Rank(const std::string& configured, const std::string& host) {
  const std::string domain = Lower(configured);
  if (domain == "*") return 1;
  const std::string fixed = domain.front() == '*'  ? domain.substr(1)
                            : domain.back() == '*' ? domain.substr(0, domain.size() - 1)
                                                   : domain;
  if (fixed == domain) return domain == host ? 1'000'000 : 0;
  if (host.size() <= fixed.size()) return 0;
  if (domain.front() == '*') return Ends(host, fixed) ? 10'000 + fixed.size() : 0;
  return Starts(host, fixed) ? 100 + fixed.size() : 0;
}

// By segments: the templates of the generator, and no others.
bool TemplateHolds(absl::string_view text, absl::string_view path) {
  const std::vector<std::string> wanted = absl::StrSplit(text, '/');
  const std::vector<std::string> given = absl::StrSplit(path, '/');
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "**") return given.size() > i;
    if (i >= given.size()) return false;
    const size_t fixed = wanted[i].find_first_of("*{");
    if (fixed == std::string::npos
            ? wanted[i] != given[i]
            : given[i].size() <= fixed || !Starts(given[i], wanted[i].substr(0, fixed))) {
      return false;
    }
  }
  return given.size() == wanted.size();
}

bool PathHolds(const v3::RouteMatch& match, std::string path) {
  if (match.has_path_match_policy()) {
    envoy::extensions::path::match::uri_template::v3::UriTemplateMatchConfig config;
    return match.path_match_policy().typed_config().UnpackTo(&config) &&
           TemplateHolds(config.path_template(), path);
  }
  if (match.has_safe_regex()) {
    return re2::RE2::FullMatch(path, re2::RE2(match.safe_regex().regex()));
  }
  const bool fold = match.has_case_sensitive() && !match.case_sensitive().value();
  const auto fit = [fold](const std::string& text) { return fold ? Lower(text) : text; };
  path = fit(path);
  if (match.path_specifier_case() == v3::RouteMatch::kPath) return path == fit(match.path());
  if (match.path_specifier_case() == v3::RouteMatch::kPrefix) {
    return Starts(path, fit(match.prefix()));
  }
  const std::string prefix = fit(match.path_separated_prefix());
  return path == prefix || Starts(path, prefix + "/");
}

bool FurtherHold(const v3::RouteMatch& match, const Probe& probe) {
  for (const v3::CookieMatcher& cookie : match.cookies()) {
    const auto it = probe.cookies.find(cookie.name());
    const bool same = it != probe.cookies.end() && it->second == cookie.string_match().exact();
    if (same == cookie.invert_match()) return false;
  }
  for (const auto& metadata : match.dynamic_metadata()) {
    const bool same =
        !probe.metadata.empty() && metadata.value().string_match().exact() == probe.metadata;
    if (same == metadata.invert()) return false;
  }
  for (const auto& state : match.filter_state()) {
    if (probe.state != state.string_match().exact()) return false;
  }
  return !match.tls_context().presented().value();  // There is no TLS.
}

bool ConditionsHold(const v3::RouteMatch& match, const Probe& probe) {
  for (const v3::HeaderMatcher& header : match.headers()) {
    if (probe.header.empty()) return false;
    if ((probe.header == header.string_match().exact()) == header.invert_match()) return false;
  }
  for (const v3::QueryParameterMatcher& parameter : match.query_parameters()) {
    if (probe.query != parameter.name()) return false;
  }
  if (match.has_runtime_fraction() && probe.random % 100 >= 50) return false;
  return FurtherHold(match, probe);
}

std::string Expected(const v3::RouteConfiguration& config, const Probe& probe) {
  const v3::VirtualHost* best = nullptr;
  size_t best_rank = 0;
  for (const v3::VirtualHost& host : config.virtual_hosts()) {
    for (const std::string& domain : host.domains()) {
      const size_t rank = Rank(domain, Lower(probe.host));
      if (rank > best_rank) {
        best_rank = rank;
        best = &host;
      }
    }
  }
  if (best == nullptr) return "-";
  for (const v3::Route& route : best->routes()) {
    if (PathHolds(route.match(), probe.path) && ConditionsHold(route.match(), probe)) {
      return route.name();
    }
  }
  return "-";
}

TEST(MatchPropertyTest, AgreesWithAWalkOverTheConfiguration) {
  int matched = 0;
  int probes = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    Generator generator(seed);
    const v3::RouteConfiguration config = generator.Config();
    config::Errors errors;
    const auto table =
        CompileRoutesWithTrees(config, errors, config::Path(), {}, filter::RouteCompilers());
    ASSERT_NE(table, nullptr) << errors.ToStatus();
    for (int i = 0; i < 60; ++i) {
      Probe probe{generator.Path(), "", generator.Host(), "", generator.Below(1'000'000)};
      if (generator.OneIn(2)) probe.query = generator.OneIn(2) ? "q" : "r";
      if (generator.OneIn(2)) probe.header = absl::StrCat(generator.Below(3));
      Request::Fields fields;
      if (!probe.header.empty()) fields.emplace_back("x", probe.header);
      filter::StreamInfo info;
      generator.Furnish(probe, info);
      for (const auto& [name, value] : probe.cookies) {
        fields.emplace_back("cookie", absl::StrCat(name, "=", value));
      }
      const Request request(
          probe.query.empty() ? probe.path : absl::StrCat(probe.path, "?", probe.query), probe.host,
          fields);
      const std::string expected = Expected(config, probe);
      MatchInput input = request.Input(probe.random);
      input.stream = &info;
      ASSERT_EQ(RouteName(*table, input), expected)
          << "seed " << seed << ", " << probe.host << request.head.path << "\n"
          << config.DebugString();
      ++probes;
      matched += expected != "-";
    }
  }
  // The generator is no use if little matches, or everything does.
  EXPECT_GT(matched, probes / 4);
  EXPECT_LT(matched, probes * 9 / 10);
}

}  // namespace
}  // namespace proxenos::route
