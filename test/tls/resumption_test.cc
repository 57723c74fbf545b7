// Resumption: by tickets and ids, within a context and never across contexts with another policy.
#include <string>

#include "gtest/gtest.h"
#include "test/tls/tls_pair.h"

namespace proxenos::tls {
namespace {

using testing::MakeCa;
using testing::MakeLeaf;
using testing::TestCertificate;

class ResumptionTest : public ::testing::Test {
 protected:
  // One connection with a few bytes, so that tickets arrive; whether it was resumed.
  static bool Connect(const std::shared_ptr<const ServerContext>& server,
                      const std::shared_ptr<const ClientContext>& client,
                      const ClientTarget& target = {}) {
    TlsPair pair(server, client, target);
    EXPECT_TRUE(pair.Shake()) << pair.server().transport().failure() << " / "
                              << pair.client().transport().failure();
    EXPECT_TRUE(pair.ToServer("request"));
    EXPECT_TRUE(pair.ToClient("response"));
    const bool resumed = pair.server().session().resumed();
    EXPECT_EQ(pair.client().session().resumed(), resumed);
    EXPECT_EQ(pair.server_stats.session_reused.value(), resumed ? 1u : 0u);
    EXPECT_EQ(pair.client().session().peer_validated(), true);
    EXPECT_NE(pair.client().session().peer(), nullptr);
    return resumed;
  }
  ServerOptions Server() const { return ServerWith(leaf_); }
  ServerOptions MutualServer(const TestCertificate& ca) const {
    ServerOptions options = ServerWith(leaf_);
    options.require_client_certificate = true;
    options.common.validation.trusted_ca_pem = ca.pem();
    return options;
  }
  static std::string TicketKey(char fill) { return std::string(80, fill); }

  const TestCertificate ca_ = MakeCa("root");
  const TestCertificate other_ca_ = MakeCa("other root");
  const TestCertificate leaf_ = MakeLeaf(ca_, "www.example.com");
  const TestCertificate client_leaf_ = MakeLeaf(ca_, "client.example.com");
};

TEST_F(ResumptionTest, TicketsOfBothVersions) {
  for (const Version version : {Version::kTls12, Version::kTls13}) {
    ServerOptions options = Server();
    options.common.max_version = version;
    const auto server = Make(options);
    const auto client = Make(ClientTrusting(ca_));
    EXPECT_FALSE(Connect(server, client));
    EXPECT_TRUE(Connect(server, client));
    EXPECT_TRUE(Connect(server, client));
  }
}

TEST_F(ResumptionTest, SessionIdsWithoutTickets) {
  ServerOptions options = Server();
  options.common.max_version = Version::kTls12;
  options.stateless_resumption = false;
  const auto client = Make(ClientTrusting(ca_));
  const auto server = Make(options);
  EXPECT_FALSE(Connect(server, client));
  EXPECT_TRUE(Connect(server, client));
  options.stateful_resumption = false;
  const auto neither = Make(options);
  EXPECT_FALSE(Connect(neither, client));
  EXPECT_FALSE(Connect(neither, client));
}

TEST_F(ResumptionTest, NoneWhereItIsOff) {
  ServerOptions options = Server();
  options.stateless_resumption = false;
  const auto server = Make(options);
  const auto client = Make(ClientTrusting(ca_));
  EXPECT_FALSE(Connect(server, client));
  EXPECT_FALSE(Connect(server, client));
  ClientOptions forgetful = ClientTrusting(ca_);
  forgetful.max_session_keys = 0;
  const auto forgetting = Make(forgetful);
  const auto willing = Make(Server());
  EXPECT_FALSE(Connect(willing, forgetting));
  EXPECT_FALSE(Connect(willing, forgetting));
}

TEST_F(ResumptionTest, ClientsResumeOnlyWhatTheyCheckedTheSameWay) {
  const auto server = Make(Server());
  ClientOptions options = ClientTrusting(ca_);
  options.max_session_keys = 4;
  const auto client = Make(options);
  EXPECT_FALSE(Connect(server, client, {"a.example.com", {}, ""}));
  EXPECT_FALSE(Connect(server, client, {"b.example.com", {}, ""}));
  EXPECT_FALSE(Connect(server, client, {"a.example.com", {}, "www.example.com"}));
  EXPECT_TRUE(Connect(server, client, {"a.example.com", {}, "www.example.com"}));
  EXPECT_TRUE(Connect(server, client, {"b.example.com", {}, ""}));
}

TEST_F(ResumptionTest, SharedKeysWorkAcrossServersOfOnePolicy) {
  ServerOptions options = Server();
  options.ticket_keys = {TicketKey('a')};
  const auto client = Make(ClientTrusting(ca_));
  EXPECT_FALSE(Connect(Make(options), client));
  EXPECT_TRUE(Connect(Make(options), client));
  // A rotated certificate of the same names.
  const TestCertificate renewed = MakeLeaf(ca_, "www.example.com");
  options.common.identities = {IdentityOf(renewed)};
  EXPECT_TRUE(Connect(Make(options), client));
  // Rotated keys: the old one still opens.
  options.ticket_keys = {TicketKey('b'), TicketKey('a')};
  EXPECT_TRUE(Connect(Make(options), client));
  options.ticket_keys = {TicketKey('b')};
  EXPECT_TRUE(Connect(Make(options), client));
  options.ticket_keys = {TicketKey('c')};
  EXPECT_FALSE(Connect(Make(options), client));
}

TEST_F(ResumptionTest, NeverAcrossPolicies) {
  ServerOptions open = Server();
  open.ticket_keys = {TicketKey('a')};
  ServerOptions mutual = MutualServer(ca_);
  mutual.ticket_keys = open.ticket_keys;
  ClientOptions options = ClientTrusting(ca_);
  options.common.identities.push_back(IdentityOf(client_leaf_));
  const auto client = Make(options);
  EXPECT_FALSE(Connect(Make(open), client));
  EXPECT_FALSE(Connect(Make(mutual), client));
  EXPECT_TRUE(Connect(Make(mutual), client));

  ServerOptions revoking = mutual;
  revoking.common.validation.crl_pem = ca_.crl_pem({});
  EXPECT_FALSE(Connect(Make(revoking), client));
  ServerOptions pinned = revoking;
  pinned.common.validation.spki_pins = {client_leaf_.spki_sha256()};
  EXPECT_FALSE(Connect(Make(pinned), client));
  ServerOptions named = pinned;
  named.common.validation.san_matchers.push_back(
      SanMatcher{SanMatcher::Type::kDns,
                 match::StringMatcher(match::StringMatcher::Kind::kPrefix, "client", false), ""});
  EXPECT_FALSE(Connect(Make(named), client));
  ServerOptions elsewhere = named;
  elsewhere.common.name = "another_server";
  EXPECT_FALSE(Connect(Make(elsewhere), client));
  EXPECT_TRUE(Connect(Make(elsewhere), client));
}

TEST_F(ResumptionTest, VerdictOnTheClientIsKept) {
  for (const Version version : {Version::kTls12, Version::kTls13}) {
    for (const bool stranger : {false, true}) {
      ServerOptions options = MutualServer(ca_);
      options.common.max_version = version;
      options.common.validation.accept_untrusted = true;
      const auto server = Make(options);
      const TestCertificate shown = MakeLeaf(stranger ? other_ca_ : ca_, "client.example.com");
      ClientOptions client_options = ClientTrusting(ca_);
      client_options.common.identities.push_back(IdentityOf(shown));
      const auto client = Make(client_options);
      for (const bool resumed : {false, true}) {
        TlsPair pair(server, client);
        ASSERT_TRUE(pair.Shake());
        ASSERT_TRUE(pair.ToClient("response"));
        EXPECT_EQ(pair.server().session().resumed(), resumed);
        EXPECT_EQ(pair.server().session().peer_validated(), !stranger);
        ASSERT_NE(pair.server().session().peer(), nullptr);
        EXPECT_EQ(pair.server().session().peer()->serial_hex, shown.serial_hex());
      }
    }
  }
}

TEST_F(ResumptionTest, TicketKeysOfTheWrongSizeAreRefused) {
  ServerOptions options = Server();
  options.ticket_keys = {TicketKey('a'), std::string(48, 'b')};
  const auto server = ServerContext::Make(options);
  ASSERT_FALSE(server.ok());
  EXPECT_EQ(server.status().message(), "session ticket key 2 has 48 bytes, 80 are needed");
}

}  // namespace
}  // namespace proxenos::tls
