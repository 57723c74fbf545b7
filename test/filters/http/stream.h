// What tests of filters share: a filter from its configuration's text, requests by one line, and
// messages as text.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "source/filter/filter_config.h"
#include "source/route/route_config.h"
#include "source/server/builtin_filters.h"
#include "test/support/filter_harness.h"

namespace proxenos::filters {

using testing::Fields;
using testing::FilterHarness;

template <typename Proto>
google::protobuf::Any Pack(const std::string& text) {
  Proto proto;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &proto)) << text;
  google::protobuf::Any any;
  any.PackFrom(proto);
  return any;
}

// The factory that the binary would make of `config`, under the name "f".
inline std::shared_ptr<const filter::FilterFactory> MakeFactory(
    const google::protobuf::Any& config) {
  for (const filter::FilterKind& kind : server::BuiltinFilters()) {
    if (config.type_url() != absl::StrCat("type.googleapis.com/", kind.type)) continue;
    config::Errors errors;
    auto factory = kind.create(config, config::Path("f"), errors);
    EXPECT_TRUE(errors.ok()) << errors.ToStatus();
    factory->name = route::FilterName("f");
    factory->override_kind = kind.override_kind;
    return factory;
  }
  ADD_FAILURE() << "no filter has the type " << config.type_url();
  return nullptr;
}

struct RequestLine {
  std::string method = "POST";
  std::string path = "/service/Method";
  Fields fields = {};
  http::Version version = http::Version::kHttp11;
};

inline void FillRequest(const RequestLine& line, http::RequestHead& head, buffer::Arena& arena) {
  head.method_text = arena.Copy(line.method);
  head.method = http::ParseMethod(head.method_text);
  head.path = arena.Copy(line.path);
  head.authority = "host";
  head.scheme = "http";
  head.version = line.version;
  head.framing = http::Framing{http::Framing::kChunked, 0};
  for (const auto& [name, value] : line.fields) {
    head.headers.Add(absl::AsciiStrToLower(name), value);
    uint64_t length;
    if (name == "content-length" && absl::SimpleAtoi(value, &length)) {
      head.framing = http::Framing{http::Framing::kLength, length};
    }
  }
}

// One virtual host with one route: everything goes to the cluster "origin".
inline envoy::config::route::v3::RouteConfiguration RouteToOrigin() {
  envoy::config::route::v3::RouteConfiguration config;
  auto* host = config.add_virtual_hosts();
  host->set_name("all");
  host->add_domains("*");
  auto* route = host->add_routes();
  route->mutable_match()->set_prefix("/");
  route->mutable_route()->set_cluster("origin");
  return config;
}

// A table with the routes of `config`, knowing all filters of the binary.
inline std::shared_ptr<const route::RouteTable> MakeRoutes(
    const envoy::config::route::v3::RouteConfiguration& config) {
  config::Errors errors;
  const auto kinds = filter::OverridesOf(server::BuiltinFilters());
  auto table = route::CompileRoutes(config, errors, config::Path("rc"), kinds);
  EXPECT_TRUE(errors.ok()) << errors.ToStatus();
  return table;
}

// A stream through one filter, routed by `routes` where there are any.
inline std::unique_ptr<FilterHarness> MakeStream(
    const google::protobuf::Any& config, const RequestLine& line,
    const std::shared_ptr<const route::RouteTable>& routes = nullptr) {
  return std::make_unique<FilterHarness>(
      filter::FilterFactories{MakeFactory(config)}, [&](filter::StreamContext& stream) {
        FillRequest(line, stream.request, stream.arena);
        if (routes == nullptr) return;
        stream.routes = routes.get();
        stream.route = routes->Match(route::MatchInput{stream.request});
      });
}

inline std::string Value(const http::HeaderMap& headers, absl::string_view name) {
  const http::Header* header = headers.Find(name);
  return header == nullptr ? "-" : std::string(header->value());
}

// "status body [trailers]" as the client gets it.
inline std::string ResponseText(FilterHarness& stream) {
  if (!stream.response_out.head) return "none";
  std::string text = absl::StrCat(stream.response.status, " ", stream.response_out.body.ToString());
  if (stream.response_out.trailers != nullptr) {
    absl::StrAppend(&text, " [");
    for (const http::Header& header : *stream.response_out.trailers) {
      absl::StrAppend(&text, header.name(), "=", header.value(), ";");
    }
    absl::StrAppend(&text, "]");
  }
  if (!stream.response_out.end) absl::StrAppend(&text, " ...");
  return text;
}

// A frame of gRPC.
inline std::string Frame(const std::string& message, char flags = 0) {
  const auto size = static_cast<uint32_t>(message.size());
  const char header[5] = {flags, static_cast<char>(size >> 24), static_cast<char>(size >> 16),
                          static_cast<char>(size >> 8), static_cast<char>(size)};
  return std::string(header, 5) + message;
}

}  // namespace proxenos::filters
