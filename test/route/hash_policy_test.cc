// Hashes of requests, as routes configure them.
#include "source/route/hash_policy.h"

#include <bit>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/base/xxhash64.h"
#include "test/route/request.h"

namespace proxenos::route {
namespace {

using base::XxHash64;

class HashPolicyTest : public ::testing::Test {
 protected:
  // `policies` are text protos of RouteAction.
  std::optional<uint64_t> Hash(const std::string& policies, const Request& request) {
    const auto table =
        Compile(absl::StrCat("virtual_hosts { name: 'v' domains: '*' routes { match { prefix: '/' "
                             "} route { cluster: 'c' ",
                             policies, " } } }"));
    const Route* route = table->Match(request.Input());
    cookie_.clear();
    return HashOf(route->forward()->hash_policies, request.head,
                  {[] {
                     return HashAddresses{"1.2.3.4:5", "1.2.3.4", "9.9.9.9:80"};
                   },
                   [this](absl::string_view name) -> std::optional<absl::string_view> {
                     if (name != "tenant" || state_.empty()) return std::nullopt;
                     return state_;
                   }},
                  [this](std::string cookie) { cookie_ = std::move(cookie); });
  }
  std::string cookie_;
  std::string state_;
};

constexpr char kHeader[] = "hash_policy { header { header_name: 'X-User' } } ";
constexpr char kSource[] = "hash_policy { connection_properties { source_ip: true } } ";

TEST_F(HashPolicyTest, Headers) {
  EXPECT_EQ(Hash(kHeader, Request("/")), std::nullopt);
  EXPECT_EQ(Hash(kHeader, Request("/", "host", {{"x-user", "ann"}})), XxHash64("ann", 0));
  // Several values count whatever their order.
  const auto both = Hash(kHeader, Request("/", "host", {{"x-user", "a"}, {"x-user", "b"}}));
  EXPECT_EQ(both, Hash(kHeader, Request("/", "host", {{"x-user", "b"}, {"x-user", "a"}})));
  EXPECT_EQ(Hash("hash_policy { header { header_name: 'x-user' regex_rewrite { pattern { regex: "
                 "'^(.).*' } substitution: '\\\\1' } } }",
                 Request("/", "host", {{"x-user", "ann"}})),
            XxHash64("a"));
  EXPECT_EQ(Hash("hash_policy { header { header_name: ':path' } }", Request("/p?q")),
            XxHash64("/p?q"));
}

TEST_F(HashPolicyTest, FilterState) {
  const std::string state = "hash_policy { filter_state { key: 'tenant' } } ";
  EXPECT_EQ(Hash(state, Request("/")), std::nullopt);
  state_ = "acme";
  EXPECT_EQ(Hash(state, Request("/")), XxHash64("acme"));
  EXPECT_EQ(Hash("hash_policy { filter_state { key: 'other' } }", Request("/")), std::nullopt);
}

TEST_F(HashPolicyTest, SourceAndParameter) {
  EXPECT_EQ(Hash(kSource, Request("/")), XxHash64("1.2.3.4"));
  const std::string parameter = "hash_policy { query_parameter { name: 'k' } }";
  EXPECT_EQ(Hash(parameter, Request("/?a=1&k=v&k=w")), XxHash64("v"));
  EXPECT_EQ(Hash(parameter, Request("/?a=k")), std::nullopt);
  EXPECT_EQ(Hash(parameter, Request("/k=1")), std::nullopt);
}

TEST_F(HashPolicyTest, Cookies) {
  const std::string plain = "hash_policy { cookie { name: 'id' } }";
  EXPECT_EQ(Hash(plain, Request("/", "host", {{"cookie", "a=1; id=\"x\"; id=y"}})), XxHash64("x"));
  EXPECT_EQ(Hash(plain, Request("/", "host", {{"cookie", "idx=1"}})), std::nullopt);
  EXPECT_EQ(cookie_, "");
  const std::string given =
      "hash_policy { cookie { name: 'id' ttl { seconds: 60 } path: '/p' attributes { name: "
      "'SameSite' value: 'Lax' } attributes { name: 'Secure' } } }";
  const auto hash = Hash(given, Request("/"));
  const std::string value =
      absl::StrCat(absl::Hex(XxHash64("1.2.3.4:59.9.9.9:80"), absl::kZeroPad16));
  EXPECT_EQ(hash, XxHash64(value));
  EXPECT_EQ(cookie_, "id=\"" + value + "\"; Max-Age=60; Path=/p; SameSite=Lax; Secure; HttpOnly");
  // It comes back, and nothing changes.
  EXPECT_EQ(Hash(given, Request("/", "host", {{"cookie", "id=" + value}})), hash);
  EXPECT_EQ(cookie_, "");
}

TEST_F(HashPolicyTest, SeveralAreMixedUpToATerminalOne) {
  const Request request("/", "host", {{"x-user", "ann"}});
  const uint64_t user = XxHash64("ann", 0);
  EXPECT_EQ(Hash(absl::StrCat(kHeader, kSource), request),
            std::rotl(user, 1) ^ XxHash64("1.2.3.4"));
  const std::string terminal = "hash_policy { header { header_name: 'x-user' } terminal: true } ";
  EXPECT_EQ(Hash(terminal + kSource, request), user);
  EXPECT_EQ(Hash(terminal + kSource, Request("/")), XxHash64("1.2.3.4"));
}

}  // namespace
}  // namespace proxenos::route
