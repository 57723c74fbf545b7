// Route tables from any configuration (a proto in text form after the first line), asked with any
// request (the first line: authority, path and a value of header x, apart by spaces). The index and
// a walk over the list must agree; what a match makes of the request must stay well formed.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "source/base/check.h"
#include "source/filter/route_tree_config.h"
#include "source/http/path.h"
#include "source/route/rewrite.h"
#include "source/route/route_config.h"
#include "source/route/tree_config.h"

namespace proxenos::route {
namespace {

class Silence final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int, int, const std::string&) override {}
  void AddWarning(int, int, const std::string&) override {}
};

bool Parse(const std::string& text, envoy::config::route::v3::RouteConfiguration* config) {
  Silence silence;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&silence);
  if (!parser.ParseFromString(text, config)) return false;
  // The machine's own files are no matter of this test.
  for (auto& host : *config->mutable_virtual_hosts()) {
    for (auto& route : *host.mutable_routes()) {
      if (route.direct_response().body().has_filename()) {
        route.mutable_direct_response()->clear_body();
      }
    }
  }
  return true;
}

void CheckUse(const RouteTable& table, const Route& route, const MatchInput& input,
              http::RequestHead& head) {
  if (route.redirect() != nullptr) {
    CHECK(absl::StrContains(RedirectLocation(route, input), "://"));
  }
  if (route.forward() == nullptr) return;
  const ClusterPick pick = PickCluster(route, input);
  if (pick.index != ClusterRef::kDynamic) CHECK(table.cluster_names()[pick.index] == pick.name);
  table.ForEachRequestMutations(route, pick.weighted, [&](const HeaderMutations& mutations) {
    Apply(mutations, head.headers,
          [&](uint32_t format) { return absl::string_view(table.formats()[format].text); });
  });
  ApplyHostRewrite(route, pick.weighted, head);
  const bool rewritten = !ApplyPathRewrite(route, head).empty();
  if (rewritten) CHECK(absl::StartsWith(head.path, "/"));
}

// Segment by segment.
std::string WithoutParameters(absl::string_view path) {
  std::vector<absl::string_view> segments = absl::StrSplit(path, '/');
  for (absl::string_view& segment : segments) segment = segment.substr(0, segment.find(';'));
  return absl::StrJoin(segments, "/");
}

void Run(const std::string& input) {
  const size_t line = std::min(input.find('\n'), input.size());
  const std::vector<std::string> words =
      absl::StrSplit(absl::string_view(input).substr(0, line), absl::MaxSplits(' ', 2));
  envoy::config::route::v3::RouteConfiguration config;
  if (!Parse(input.substr(std::min(line + 1, input.size())), &config)) return;
  config::Errors errors;
  const auto table =
      CompileRoutesWithTrees(config, errors, config::Path(), {}, filter::RouteCompilers());
  CHECK((table == nullptr) == !errors.ok());
  if (table == nullptr) return;

  buffer::Arena arena;
  http::RequestHead head(arena);
  head.method_text = "GET";
  head.scheme = "http";
  head.authority = words[0];
  if (words.size() > 1) head.path = words[1];
  if (words.size() > 2) head.headers.Add("x", words[2]);
  MatchInput match{head};
  match.random = input.size();
  const Route* route = table->Match(match);
  const VirtualHost* host = table->FindVirtualHost(head.authority);
  if (host != nullptr && (route == nullptr || route != host->tls_redirect.get())) {
    std::string path(http::WithoutQuery(head.path));
    if (config.ignore_path_parameters_in_path_matching()) path = WithoutParameters(path);
    CHECK(host->MatchInOrder(match, path) == route);
  }
  if (route != nullptr) CheckUse(*table, *route, match, head);
}

}  // namespace
}  // namespace proxenos::route

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::route::Run(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
