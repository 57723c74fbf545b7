// A request head for tests of matching, built in one line, and a table from the text of a proto.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "source/buffer/arena.h"
#include "source/http/message.h"
#include "source/route/route_config.h"

namespace proxenos::route {

class Request {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  explicit Request(const std::string& path, const std::string& authority = "host",
                   const Fields& fields = {}, const std::string& method = "GET")
      : head(arena_) {
    head.method_text = arena_.Copy(method);
    head.method = http::ParseMethod(head.method_text);
    head.path = arena_.Copy(path);
    head.authority = arena_.Copy(authority);
    head.scheme = "http";
    for (const auto& [name, value] : fields) head.headers.Add(absl::AsciiStrToLower(name), value);
  }

  MatchInput Input(uint64_t random = 0) const {
    MatchInput input{head};
    input.random = random;
    return input;
  }

 private:
  buffer::Arena arena_;

 public:
  http::RequestHead head;
};

inline envoy::config::route::v3::RouteConfiguration ParseRoutes(const std::string& text) {
  envoy::config::route::v3::RouteConfiguration config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &config)) << text;
  return config;
}

inline std::shared_ptr<const RouteTable> Compile(
    const envoy::config::route::v3::RouteConfiguration& config) {
  config::Errors errors;
  auto table = CompileRoutes(config, errors);
  EXPECT_TRUE(errors.ok()) << errors.ToStatus();
  return table;
}
inline std::shared_ptr<const RouteTable> Compile(const std::string& text) {
  return Compile(ParseRoutes(text));
}

// The name of the route that serves the request, "-" when there is none.
inline std::string RouteName(const RouteTable& table, const MatchInput& input) {
  const Route* route = table.Match(input);
  return route == nullptr ? "-" : route->name;
}

}  // namespace proxenos::route
