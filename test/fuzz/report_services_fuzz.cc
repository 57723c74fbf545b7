// What services send that this process reports to. The first byte chooses: an odd one a
// HealthCheckSpecifier, which is compiled or refused with reasons; else a LoadStatsResponse, after
// which a report can be made whatever was asked for.
#include <cstdint>
#include <memory>
#include <string>

#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "source/base/check.h"
#include "source/server/health_delegate.h"
#include "source/server/load_report.h"

namespace proxenos::server {
namespace {

// Bytes of the wire, or text, which is what people write down.
template <typename Proto>
bool Parse(const std::string& bytes, Proto& proto) {
  google::protobuf::TextFormat::Parser parser;
  class Quiet final : public google::protobuf::io::ErrorCollector {
    void AddError(int, int, const std::string&) override {}
  } quiet;
  parser.RecordErrorsTo(&quiet);
  parser.SetRecursionLimit(50);
  return proto.ParseFromString(bytes) || parser.ParseFromString(bytes, &proto);
}

void CompileSpecifier(const std::string& bytes) {
  envoy::service::health::v3::HealthCheckSpecifier specifier;
  if (!Parse(bytes, specifier)) return;
  DelegationLimits limits;
  limits.probes = 100;
  config::IgnoredFields ignored;
  const auto delegations = CompileDelegations(specifier, limits, ignored);
  if (!delegations.ok()) {
    CHECK(!delegations.status().message().empty());
    return;
  }
  size_t probes = 0;
  for (const Delegation& each : *delegations) {
    CHECK(each.checks.size() == static_cast<size_t>(each.proto.health_checks_size()));
    probes += each.checks.size() * each.endpoint_count;
    for (const Delegation::Check& check : each.checks) {
      CHECK(check.config->health_check->interval >= limits.least_interval);
      CHECK(check.config->health_check->unhealthy_interval >= limits.least_interval);
      CHECK(check.config->health_check->healthy_edge_interval >= limits.least_interval);
    }
  }
  CHECK(probes <= limits.probes);
}

void AskForLoad(const std::string& bytes) {
  envoy::service::load_stats::v3::LoadStatsResponse wanted;
  if (!Parse(bytes, wanted)) return;
  upstream::ClusterConfig config;
  config.name = "a";
  const upstream::HostSet hosts;
  const upstream::ClusterLoad load;
  const auto visit_it = [&](VisitLoaded visit) { visit({config, hosts, load}); };
  LoadReport report(LoadedClusters{visit_it, [&](absl::string_view name, VisitLoaded visit) {
                                     if (name == "a") visit_it(visit);
                                   }});
  const bool good = report.Ask(wanted, 0).ok();
  CHECK(report.interval() >= LoadReport::kMinInterval);
  envoy::service::load_stats::v3::LoadStatsRequest request;
  report.Fill(base::kSecond, request);
  CHECK(request.cluster_stats_size() == static_cast<int>(report.tracked_count()));
  CHECK(good || request.cluster_stats_size() == 0);
}

void Run(const std::string& input) {
  if (input.empty()) return;
  if ((input[0] & 1) != 0) return CompileSpecifier(input.substr(1));
  AskForLoad(input.substr(1));
}

}  // namespace
}  // namespace proxenos::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::server::Run(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
