// One pair of contexts, used by several threads at once, as workers do.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "test/tls/tls_pair.h"

namespace proxenos::tls {
namespace {

using testing::MakeCa;
using testing::MakeLeaf;
using testing::TestCertificate;

TEST(SharedContext, ManyThreadsShakeAndResume) {
  const TestCertificate ca = MakeCa("root");
  const TestCertificate leaf = MakeLeaf(ca, "www.example.com");
  const TestCertificate client_leaf = MakeLeaf(ca, "client.example.com");
  for (const Version version : {Version::kTls12, Version::kTls13}) {
    ServerOptions server_options = ServerWith(leaf);
    server_options.common.max_version = version;
    server_options.require_client_certificate = true;
    server_options.common.validation.trusted_ca_pem = ca.pem();
    ClientOptions client_options = ClientTrusting(ca);
    client_options.max_session_keys = 3;
    client_options.common.identities.push_back(IdentityOf(client_leaf));
    const auto server = Make(server_options);
    const auto client = Make(client_options);
    std::atomic<int> shaken{0};
    std::atomic<int> resumed{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&server, &client, &shaken, &resumed] {
        for (int round = 0; round < 25; ++round) {
          TlsPair pair(server, client);
          if (!pair.Shake() || !pair.ToServer("request") || !pair.ToClient("response")) continue;
          ++shaken;
          if (pair.server().session().resumed()) ++resumed;
          EXPECT_TRUE(pair.server().session().peer_validated());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(shaken.load(), 100);
    EXPECT_GT(resumed.load(), 0);
  }
}

}  // namespace
}  // namespace proxenos::tls
