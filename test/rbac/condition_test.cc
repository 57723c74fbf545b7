// Conditions of access, kind by kind.
#include "source/rbac/condition.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/buffer/arena.h"
#include "source/rbac/rules.h"
#include "source/route/route_table.h"
#include "source/tls/session_info.h"

namespace proxenos::rbac {
namespace {

using match::StringMatcher;

net::Address Ip(const char* text, uint16_t port = 0) { return *net::Address::FromIp(text, port); }

StringMatcher Exactly(std::string text) {
  return StringMatcher(StringMatcher::Kind::kExact, std::move(text), /*ignore_case=*/false);
}

// A TLS client with this certificate, or with none.
class Session final : public tls::SessionInfo {
 public:
  absl::string_view version() const override { return "TLSv1.3"; }
  absl::string_view cipher() const override { return ""; }
  absl::string_view group() const override { return ""; }
  absl::string_view signature_algorithm() const override { return ""; }
  absl::string_view sni() const override { return ""; }
  absl::string_view alpn() const override { return ""; }
  const std::string& session_id_hex() const override { return empty_; }
  bool resumed() const override { return false; }
  bool peer_presented() const override { return presented; }
  bool peer_validated() const override { return presented; }
  const Certificate* peer() const override { return presented ? &certificate : nullptr; }
  const Certificate* local() const override { return nullptr; }
  const std::string& peer_chain_pem() const override { return empty_; }
  const std::vector<Certificate>& peer_chain() const override { return none_; }

  bool presented = true;
  Certificate certificate;

 private:
  const std::string empty_;
  const std::vector<Certificate> none_;
};

class ConditionTest : public ::testing::Test {
 protected:
  ConditionTest() {
    connection_.local = Ip("10.1.2.3", 8080);
    connection_.direct_remote = Ip("192.168.0.7", 1234);
    connection_.proxied_remote = std::make_unique<const net::Address>(Ip("172.16.5.6", 99));
  }
  bool Holds(const Condition& condition) const {
    return condition.Holds({connection_, remote_, "www.example.com", head_});
  }
  static Condition In(Condition::Side side, const char* first, uint32_t bits) {
    return Condition::Address(side, *match::IpRange::Parse(first, bits));
  }

  filter::ConnectionInfo connection_;
  net::Address remote_ = Ip("2001:db8::5");
  const http::RequestHead* head_ = nullptr;
};

TEST_F(ConditionTest, CombinesOthers) {
  const auto yes = [] { return Condition::Any(); };
  const auto no = [] { return Condition::Not(Condition::Any()); };
  const auto two = [](Condition a, Condition b) {
    std::vector<Condition> both;
    both.push_back(std::move(a));
    both.push_back(std::move(b));
    return both;
  };
  EXPECT_TRUE(Holds(yes()));
  EXPECT_FALSE(Holds(no()));
  EXPECT_TRUE(Holds(Condition::All(two(yes(), yes()))));
  EXPECT_FALSE(Holds(Condition::All(two(yes(), no()))));
  EXPECT_TRUE(Holds(Condition::OneOf(two(no(), yes()))));
  EXPECT_FALSE(Holds(Condition::OneOf(two(no(), no()))));
  EXPECT_TRUE(Holds(Condition::Not(no())));
}

TEST_F(ConditionTest, TellsTheSidesApart) {
  using Side = Condition::Side;
  EXPECT_TRUE(Holds(In(Side::kDestination, "10.1.0.0", 16)));
  EXPECT_FALSE(Holds(In(Side::kDestination, "10.2.0.0", 16)));
  EXPECT_TRUE(Holds(In(Side::kSource, "172.16.0.0", 12)));
  EXPECT_FALSE(Holds(In(Side::kSource, "192.168.0.0", 16)));
  EXPECT_TRUE(Holds(In(Side::kDirectSource, "192.168.0.7", 32)));
  EXPECT_FALSE(Holds(In(Side::kDirectSource, "192.168.0.6", 32)));
  EXPECT_TRUE(Holds(In(Side::kRemote, "2001:db8::", 32)));
  EXPECT_FALSE(Holds(In(Side::kRemote, "2001:db9::", 32)));
  EXPECT_FALSE(Holds(In(Side::kRemote, "0.0.0.0", 0)));  // Another family.
}

TEST_F(ConditionTest, RangesEndWithinOctets) {
  using Side = Condition::Side;
  EXPECT_TRUE(Holds(In(Side::kDestination, "10.1.2.0", 29)));
  EXPECT_TRUE(Holds(In(Side::kDestination, "10.1.2.2", 31)));
  EXPECT_FALSE(Holds(In(Side::kDestination, "10.1.2.4", 30)));
  EXPECT_TRUE(Holds(In(Side::kDestination, "0.0.0.0", 0)));
}

TEST_F(ConditionTest, PathsAsRoutesMatchThem) {
  buffer::Arena arena;
  http::RequestHead head(arena);
  head.path = "/admin;x/y;z?q";
  route::RouteTableParts parts;
  const route::RouteTable plain((route::RouteTableParts()));
  parts.ignore_path_parameters = true;
  const route::RouteTable ignoring(std::move(parts));
  Access access{connection_, remote_, "", &head};
  const Condition path = Condition::Path(Exactly("/admin/y"));
  EXPECT_FALSE(path.Holds(access));
  access.routes = &plain;
  EXPECT_FALSE(path.Holds(access));
  access.routes = &ignoring;
  EXPECT_TRUE(path.Holds(access));
}

TEST_F(ConditionTest, PortsAndServerNames) {
  EXPECT_TRUE(Holds(Condition::DestinationPort(8080, 8080)));
  EXPECT_TRUE(Holds(Condition::DestinationPort(8000, 8080)));
  EXPECT_FALSE(Holds(Condition::DestinationPort(8081, 9000)));
  EXPECT_TRUE(Holds(Condition::ServerName(Exactly("www.example.com"))));
  EXPECT_FALSE(Holds(Condition::ServerName(Exactly("example.com"))));
}

TEST_F(ConditionTest, ConnectionsHaveNoHeadersAndNoPath) {
  buffer::Arena arena;
  http::RequestHead head(arena);
  head.path = "/public/x?secret#f";
  const Condition path = Condition::Path(Exactly("/public/x"));
  EXPECT_FALSE(Holds(path));
  const Condition header = Condition::Header(
      route::HeaderMatcher(route::FieldName("x-team"), Exactly("blue"), false, false));
  EXPECT_FALSE(Holds(header));
  head_ = &head;
  EXPECT_TRUE(Holds(path));
  EXPECT_FALSE(Holds(header));
  head.headers.Add("x-team", "blue");
  EXPECT_TRUE(Holds(header));
}

TEST_F(ConditionTest, AuthenticatedByAnyNameOfTheCertificate) {
  const Condition anybody = Condition::Authenticated(std::nullopt);
  EXPECT_FALSE(Holds(anybody));  // Plain text.
  Session session;
  session.certificate.uri_sans = {"spiffe://a/b"};
  session.certificate.dns_sans = {"client.example"};
  session.certificate.subject = "CN=client";
  connection_.tls = &session;
  EXPECT_TRUE(Holds(anybody));
  for (const char* name : {"spiffe://a/b", "client.example", "CN=client"}) {
    EXPECT_TRUE(Holds(Condition::Authenticated(Exactly(name)))) << name;
  }
  EXPECT_FALSE(Holds(Condition::Authenticated(Exactly("spiffe://a/c"))));
  session.presented = false;
  EXPECT_TRUE(Holds(anybody));
  EXPECT_FALSE(Holds(Condition::Authenticated(Exactly("CN=client"))));
}

TEST_F(ConditionTest, ValidatedCertificatesByKindOfName) {
  Session session;
  session.certificate.uri_sans = {"spiffe://a/b", "spiffe://a/c"};
  session.certificate.email_sans = {"me@example.com"};
  EXPECT_FALSE(Holds(Condition::Validated()));
  connection_.tls = &session;
  EXPECT_TRUE(Holds(Condition::Validated()));
  EXPECT_TRUE(Holds(Condition::Validated(Condition::San::kUri, Exactly("spiffe://a/c"))));
  EXPECT_FALSE(Holds(Condition::Validated(Condition::San::kDns, Exactly("spiffe://a/c"))));
  EXPECT_TRUE(Holds(Condition::Validated(Condition::San::kEmail, Exactly("me@example.com"))));
  session.presented = false;
  EXPECT_FALSE(Holds(Condition::Validated()));
}

TEST_F(ConditionTest, ActionsDecideWhatAMatchMeans) {
  const auto rules = [](Rules::Action action) {
    std::vector<Policy> policies;
    policies.push_back({"a", Condition::Any(), Condition::DestinationPort(1, 1)});
    policies.push_back({"b", Condition::DestinationPort(8080, 8080), Condition::Any()});
    return Rules(action, std::move(policies));
  };
  const Access in{connection_, remote_, ""};
  const Rules::Decision allowed = rules(Rules::Action::kAllow).Decide(in);
  EXPECT_TRUE(allowed.allowed);
  const Rules deny = rules(Rules::Action::kDeny);
  EXPECT_FALSE(deny.Decide(in).allowed);
  EXPECT_EQ(deny.Decide(in).policy, 1u);
  EXPECT_EQ(deny.name(1), "b");
  EXPECT_TRUE(rules(Rules::Action::kLog).Decide(in).allowed);
  EXPECT_EQ(rules(Rules::Action::kLog).Decide(in).log, true);

  connection_.local = Ip("10.1.2.3", 2);
  EXPECT_FALSE(rules(Rules::Action::kAllow).Decide(in).allowed);
  EXPECT_TRUE(rules(Rules::Action::kDeny).Decide(in).allowed);
  EXPECT_EQ(rules(Rules::Action::kLog).Decide(in).log, false);
  EXPECT_FALSE(Rules(Rules::Action::kAllow, {}).Decide(in).allowed);
}

TEST_F(ConditionTest, DetailsAreOneWord) {
  EXPECT_EQ(DenialDetails(""), "rbac_access_denied_matched_policy[none]");
  EXPECT_EQ(DenialDetails("no spiders\there"),
            "rbac_access_denied_matched_policy[no_spiders_here]");
}

// A client that sends more than is looked at gets past neither kind of rule.
TEST_F(ConditionTest, ConditionsThatCostTooMuchHoldBack) {
  const auto expression = cel::Expression::Compile(
      "request.headers.exists(a, request.headers.exists(b, request.headers[a] == 'bad'))", {});
  ASSERT_TRUE(expression.ok());
  const auto allows = [&](Rules::Action action) {
    std::vector<Policy> policies;
    policies.push_back({"p", Condition::Any(), Condition::Any(), *expression});
    return Rules(action, std::move(policies))
        .Decide({connection_, remote_, "www.example.com", head_})
        .allowed;
  };
  buffer::Arena arena;
  http::RequestHead head(arena);
  head_ = &head;
  head.headers.Add("x", "good");
  EXPECT_TRUE(allows(Rules::Action::kDeny));
  EXPECT_FALSE(allows(Rules::Action::kAllow));
  for (int i = 0; i < 100; ++i) head.headers.Add("h" + std::to_string(i), "good");
  head.headers.Add("y", "bad");
  EXPECT_FALSE(allows(Rules::Action::kDeny));
  EXPECT_FALSE(allows(Rules::Action::kAllow));
}

}  // namespace
}  // namespace proxenos::rbac
