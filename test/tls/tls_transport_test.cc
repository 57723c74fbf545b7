// The transport after (and instead of) the handshake: large transfers through small sockets, ends
// of all kinds, key updates, and peers that do not speak TLS.
#include "source/tls/tls_transport.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "gtest/gtest.h"
#include "openssl/aead.h"
#include "source/base/random.h"
#include "test/tls/raw_client.h"
#include "test/tls/tls_pair.h"

namespace proxenos::tls {
namespace {

using testing::MakeCa;
using testing::MakeLeaf;
using testing::TestCertificate;

class TlsTransportTest : public ::testing::Test {
 protected:
  std::shared_ptr<const ServerContext> Server(Version version = Version::kTls13) {
    ServerOptions options = ServerWith(leaf_);
    options.common.max_version = version;
    return Make(options);
  }
  std::shared_ptr<const ClientContext> Client() { return Make(ClientTrusting(ca_)); }

  static std::string Pattern(size_t size) {
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 131 + i / 251) & 0xff);
    return bytes;
  }
  // The handshake with a raw client on the pair's other end.
  static bool Shake(TlsPair& pair, RawClient& client) {
    bool done = false;
    for (int i = 0; i < 20; ++i) {
      pair.Turn();
      done = client.Advance();
      pair.server_result = pair.server().Advance();
    }
    return done && pair.server_result == Handshake::kDone;
  }

  const TestCertificate ca_ = MakeCa("root");
  const TestCertificate leaf_ = MakeLeaf(ca_, "www.example.com");
};

TEST_F(TlsTransportTest, LargeTransfersThroughSmallSockets) {
  for (const Version version : {Version::kTls12, Version::kTls13}) {
    TlsPair pair(Server(version), Client(), {}, /*socket_bytes=*/4096);
    ASSERT_TRUE(pair.Shake());
    const std::string up = Pattern(3'000'001);
    const std::string down = Pattern(2'000'003);
    FlushStatus up_status = pair.client().Write(up);
    FlushStatus down_status = pair.server().Write(down);
    for (int i = 0; i < 100'000 && (pair.server().received().size() < up.size() ||
                                    pair.client().received().size() < down.size());
         ++i) {
      pair.Turn();
      ASSERT_EQ(pair.server().ReadAll(), ReadStatus::kNothing);
      ASSERT_EQ(pair.client().ReadAll(), ReadStatus::kNothing);
      if (up_status == FlushStatus::kBlocked) up_status = pair.client().connection().Flush();
      if (down_status == FlushStatus::kBlocked) down_status = pair.server().connection().Flush();
    }
    EXPECT_TRUE(pair.server().received() == up);
    EXPECT_TRUE(pair.client().received() == down);
    EXPECT_EQ(up_status, FlushStatus::kDone);
    EXPECT_EQ(down_status, FlushStatus::kDone);
    EXPECT_FALSE(pair.server().transport().buffered());
    EXPECT_FALSE(pair.server().connection().may_read());
  }
}

TEST_F(TlsTransportTest, SealsNoMoreThanTheSocketTakesSoon) {
  TlsPair pair(Server(), Client(), {}, /*socket_bytes=*/4096);
  ASSERT_TRUE(pair.Shake());
  EXPECT_EQ(pair.server().Write(Pattern(1'000'000)), FlushStatus::kBlocked);
  EXPECT_TRUE(pair.server().connection().blocked());
  // The rest stays plain, where it can still be dropped or counted.
  EXPECT_GT(pair.server().connection().out().size(), 800'000u);
}

TEST_F(TlsTransportTest, SmallWritesShareARecord) {
  TlsPair pair(Server(), Client());
  ASSERT_TRUE(pair.Shake());
  ASSERT_TRUE(pair.ToClient("x"));  // Takes the ticket along.
  const uint64_t before = pair.server().connection().bytes_written();
  std::string all;
  for (int i = 0; i < 100; ++i) {
    const std::string part(1 + static_cast<size_t>(i), static_cast<char>('a' + i % 26));
    pair.server().connection().out().Append(buffer::Slice::Copy(part));
    all += part;
  }
  ASSERT_EQ(pair.server().connection().Flush(), FlushStatus::kDone);
  // Header 5, content type 1, tag 16.
  EXPECT_EQ(pair.server().connection().bytes_written() - before, all.size() + 22);
  pair.Turn();
  pair.client().received().clear();
  pair.client().ReadAll();
  EXPECT_EQ(pair.client().received(), all);
}

TEST_F(TlsTransportTest, ReadsManyRecordsAtOnceAndSaysWhenMoreIsDecoded) {
  TlsPair pair(Server(), Client());
  ASSERT_TRUE(pair.Shake());
  const std::string sent = Pattern(100'000);
  ASSERT_NE(pair.client().Write(sent), FlushStatus::kError);
  pair.Turn();
  std::string got;
  int reads = 0;
  while (pair.server().connection().may_read()) {
    buffer::Slice bytes;
    const ReadStatus status = pair.server().connection().Read(&bytes);
    if (status == ReadStatus::kNothing) break;
    ASSERT_EQ(status, ReadStatus::kBytes);
    got.append(bytes.data(), bytes.size());
    ++reads;
  }
  EXPECT_TRUE(got == sent);
  EXPECT_LE(reads, 5);
}

TEST_F(TlsTransportTest, HeldBytesComeBackBeforeNewOnes) {
  TlsPair pair(Server(), Client());
  ASSERT_TRUE(pair.Shake());
  pair.client().Write("first,");
  pair.Turn();
  buffer::Slice bytes;
  net::Connection& server = pair.server().connection();
  ASSERT_EQ(server.Read(&bytes), ReadStatus::kBytes);
  server.Hold(std::move(bytes));
  ASSERT_EQ(server.Read(&bytes), ReadStatus::kNothing);
  EXPECT_TRUE(server.holds());
  pair.client().Write("second");
  pair.Turn();
  ASSERT_EQ(server.Read(&bytes), ReadStatus::kBytes);
  EXPECT_EQ(bytes.view(), "first,second");
}

TEST_F(TlsTransportTest, OrderlyEndAndTruncation) {
  for (const bool orderly : {true, false}) {
    TlsPair pair(Server(), Client());
    ASSERT_TRUE(pair.Shake());
    pair.client().Write("last words");
    if (orderly) {
      pair.client().connection().ShutdownWrite();
    } else {
      shutdown(pair.client().connection().fd(), SHUT_WR);
    }
    pair.Turn();
    EXPECT_EQ(pair.server().ReadAll(), ReadStatus::kEnd);
    EXPECT_EQ(pair.server().received(), "last words");
    EXPECT_EQ(pair.server().transport().truncated(), !orderly);
    EXPECT_FALSE(pair.server().transport().buffered());
    // The other direction is still open.
    EXPECT_TRUE(pair.ToClient("answer"));
  }
}

// Who gets less than there was to send must be able to see that (RFC 8446, section 6.1).
TEST_F(TlsTransportTest, CloseOverUnsentBytesSaysNoGoodbye) {
  TlsPair pair(Server(), Client());
  ASSERT_TRUE(pair.Shake());
  pair.client().connection().out().Append(absl::string_view("never sent"));
  pair.client().connection().Close();
  pair.Turn();
  EXPECT_EQ(pair.server().ReadAll(), ReadStatus::kEnd);
  EXPECT_EQ(pair.server().received(), "");
  EXPECT_TRUE(pair.server().transport().truncated());
}

TEST_F(TlsTransportTest, CloseSaysGoodbye) {
  TlsPair pair(Server(), Client());
  ASSERT_TRUE(pair.Shake());
  pair.client().connection().Close();
  pair.Turn();
  EXPECT_EQ(pair.server().ReadAll(), ReadStatus::kEnd);
  EXPECT_FALSE(pair.server().transport().truncated());
  // What is known of the session outlives its socket.
  pair.server().connection().Close();
  EXPECT_EQ(pair.server().session().version(), "TLSv1.3");
}

TEST_F(TlsTransportTest, ChangedBytesAreAnErrorAndAnAlert) {
  TlsPair pair(Server(), Client());
  ASSERT_TRUE(pair.Shake());
  // A record that nobody sealed.
  const std::string forged = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'z');
  ASSERT_EQ(write(pair.client().connection().fd(), forged.data(), forged.size()),
            static_cast<ssize_t>(forged.size()));
  pair.Turn();
  EXPECT_EQ(pair.server().ReadAll(), ReadStatus::kError);
  EXPECT_NE(pair.server().transport().failure().find("BAD_RECORD_MAC"), absl::string_view::npos);
  EXPECT_EQ(pair.server_stats.connection_error.value(), 1u);
  EXPECT_EQ(pair.server().Write("x"), FlushStatus::kError);
  pair.Turn();
  EXPECT_EQ(pair.client().ReadAll(), ReadStatus::kError);
  EXPECT_NE(pair.client().transport().failure().find("ALERT_BAD_RECORD_MAC"),
            absl::string_view::npos)
      << pair.client().transport().failure();
}

TEST_F(TlsTransportTest, DecodedBytesComeBeforeTheError) {
  TlsPair pair(Server(), Client());
  ASSERT_TRUE(pair.Shake());
  pair.client().Write("good");
  const std::string forged = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'z');
  ASSERT_GT(write(pair.client().connection().fd(), forged.data(), forged.size()), 0);
  pair.Turn();
  buffer::Slice bytes;
  ASSERT_EQ(pair.server().connection().Read(&bytes), ReadStatus::kBytes);
  EXPECT_EQ(bytes.view(), "good");
  EXPECT_TRUE(pair.server().connection().may_read());
  EXPECT_EQ(pair.server().connection().Read(&bytes), ReadStatus::kError);
}

TEST_F(TlsTransportTest, PeersThatDoNotSpeakTls) {
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), std::string("PRI * HTTP/2.0\r\n\r\n"),
        std::string(200, '\0'), std::string("\x16\x03\x01\xff\xff", 5) + std::string(70000, 'a'),
        std::string("\x16\x03\x01\x00\x05\x01\xff\xff\xff\x00", 10)}) {
    TlsPair pair(Server(), nullptr);
    ASSERT_GT(write(pair.client().connection().fd(), bytes.data(), bytes.size()), 0);
    pair.Turn();
    EXPECT_EQ(pair.server().Advance(), Handshake::kFailed);
    EXPECT_FALSE(pair.server().transport().failure().empty());
    EXPECT_EQ(pair.server_stats.connection_error.value(), 1u);
    EXPECT_EQ(pair.server().Advance(), Handshake::kFailed);
    buffer::Slice read;
    EXPECT_EQ(pair.server().connection().Read(&read), ReadStatus::kError);
  }
}

TEST_F(TlsTransportTest, PeerLeavesDuringTheHandshake) {
  TlsPair pair(Server(), Client());
  pair.Turn();
  EXPECT_EQ(pair.client().Advance(), Handshake::kWantsIo);
  pair.Turn();
  EXPECT_EQ(pair.server().Advance(), Handshake::kWantsIo);
  pair.client().connection().Close();
  pair.Turn();
  EXPECT_EQ(pair.server().Advance(), Handshake::kFailed);
  EXPECT_NE(pair.server().transport().failure().find("during the TLS handshake"),
            absl::string_view::npos);
}

TEST_F(TlsTransportTest, BytesReadBeforeItWasInUseAreItsOwn) {
  TlsPair pair(nullptr, Client());
  pair.client().Advance();
  pair.Turn();
  net::Connection& server = pair.server().connection();
  buffer::Slice hello;
  ASSERT_EQ(server.Read(&hello), ReadStatus::kBytes);
  server.Hold(std::move(hello));
  auto transport = MakeServerTransport(base::Hold(Server()), pair.server_stats);
  TlsTransport* tls = transport.get();
  server.SetTransport(std::move(transport));
  Handshake client = Handshake::kWantsIo;
  Handshake ours = Handshake::kWantsIo;
  for (int i = 0; i < 10; ++i) {
    ours = tls->Advance(server);
    pair.Turn();
    client = pair.client().Advance();
    pair.Turn();
  }
  EXPECT_EQ(ours, Handshake::kDone);
  EXPECT_EQ(client, Handshake::kDone);
}

TEST_F(TlsTransportTest, OneByteAtATime) {
  for (const Version version : {Version::kTls12, Version::kTls13}) {
    TlsPair near(Server(version), nullptr);
    TlsPair far(nullptr, Client());
    const int to_server = near.client().connection().fd();
    const int to_client = far.server().connection().fd();
    const auto carry = [](int from, int to) {
      char byte;
      if (read(from, &byte, 1) != 1) return;
      EXPECT_EQ(write(to, &byte, 1), 1);
    };
    Handshake server = Handshake::kWantsIo;
    Handshake client = Handshake::kWantsIo;
    for (int i = 0; i < 20'000 && (server != Handshake::kDone || client != Handshake::kDone); ++i) {
      client = far.client().Advance();
      carry(to_client, to_server);
      near.Turn();
      server = near.server().Advance();
      carry(to_server, to_client);
      far.Turn();
    }
    ASSERT_EQ(server, Handshake::kDone);
    ASSERT_EQ(client, Handshake::kDone);
    const std::string sent = Pattern(2000);
    far.client().Write(sent);
    far.client().connection().ShutdownWrite();
    ReadStatus status = ReadStatus::kNothing;
    for (int i = 0; i < 20'000 && status == ReadStatus::kNothing; ++i) {
      carry(to_client, to_server);
      near.Turn();
      status = near.server().ReadAll();
    }
    EXPECT_EQ(status, ReadStatus::kEnd);
    EXPECT_TRUE(near.server().received() == sent);
  }
}

TEST_F(TlsTransportTest, KeyUpdates) {
  TlsPair pair(Server(), nullptr);
  RawClient client(pair.client().connection().fd());
  ASSERT_TRUE(Shake(pair, client));
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    ASSERT_TRUE(client.Write("ping"));
    pair.Turn();
    pair.server().received().clear();
    ASSERT_EQ(pair.server().ReadAll(), ReadStatus::kNothing);
    ASSERT_EQ(pair.server().received(), "ping");
    ASSERT_EQ(pair.server().Write("pong"), FlushStatus::kDone);
    ASSERT_EQ(client.Read(), "pong");
  }
}

TEST_F(TlsTransportTest, KeyUpdatesWithoutBytesAreRefused) {
  TlsPair pair(Server(), nullptr);
  RawClient client(pair.client().connection().fd());
  ASSERT_TRUE(Shake(pair, client));
  ReadStatus status = ReadStatus::kNothing;
  for (int i = 0; i < 100 && status == ReadStatus::kNothing; ++i) {
    ASSERT_EQ(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    SSL_write(client.ssl(), "", 0);
    pair.Turn();
    status = pair.server().ReadAll();
    EXPECT_LT(pair.server().connection().bytes_written(), 10'000u);
  }
  EXPECT_EQ(status, ReadStatus::kError);
  EXPECT_NE(pair.server().transport().failure().find("TOO_MANY_KEY_UPDATES"),
            absl::string_view::npos);
}

TEST_F(TlsTransportTest, CipherFollowsTheHardware) {
  if (EVP_has_aes_hardware() == 0) GTEST_SKIP() << "the order is BoringSSL's";
  const uint16_t openssl_order[] = {0x1302, 0x1303, 0x1301};
  const uint16_t phone_order[] = {0x1303, 0x1302, 0x1301};
  for (const bool phone : {false, true}) {
    TlsPair pair(Server(), nullptr);
    RawClient client(pair.client().connection().fd());
    SSL_set1_tls13_ciphers(client.ssl(), phone ? phone_order : openssl_order, nullptr, 3);
    ASSERT_TRUE(Shake(pair, client));
    EXPECT_EQ(pair.server().session().cipher(),
              phone ? "TLS_CHACHA20_POLY1305_SHA256" : "TLS_AES_128_GCM_SHA256");
  }
  for (const bool phone : {false, true}) {
    TlsPair pair(Server(), nullptr);
    RawClient client(pair.client().connection().fd(), TLS1_2_VERSION);
    SSL_set_strict_cipher_list(
        client.ssl(), phone ? "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256"
                            : "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
                              "ECDHE-ECDSA-AES128-GCM-SHA256");
    ASSERT_TRUE(Shake(pair, client));
    EXPECT_EQ(pair.server().session().cipher(),
              phone ? "ECDHE-ECDSA-CHACHA20-POLY1305" : "ECDHE-ECDSA-AES128-GCM-SHA256");
  }
}

TEST_F(TlsTransportTest, StapledResponses) {
  struct Case {
    OcspPolicy policy;
    int64_t next_update;  // 0: no response.
    bool works;
    bool stapled;
  };
  for (const Case& c : {Case{OcspPolicy::kLenientStapling, 0, true, false},
                        Case{OcspPolicy::kLenientStapling, 3600, true, true},
                        Case{OcspPolicy::kLenientStapling, -10, true, false},
                        Case{OcspPolicy::kStrictStapling, 0, true, false},
                        Case{OcspPolicy::kStrictStapling, 3600, true, true},
                        Case{OcspPolicy::kStrictStapling, -10, false, false},
                        Case{OcspPolicy::kMustStaple, 3600, true, true},
                        Case{OcspPolicy::kMustStaple, -10, false, false}}) {
    ServerOptions options = ServerWith(leaf_);
    options.ocsp = c.policy;
    const std::string staple =
        c.next_update == 0 ? std::string() : leaf_.ocsp(-3600, c.next_update);
    options.common.identities[0].ocsp_staple = staple;
    TlsPair pair(Make(options), nullptr);
    RawClient client(pair.client().connection().fd());
    SSL_enable_ocsp_stapling(client.ssl());
    EXPECT_EQ(Shake(pair, client), c.works);
    EXPECT_EQ(pair.server_stats.ocsp_staple_requests.value(), 1u);
    EXPECT_EQ(pair.server_stats.ocsp_staple_failed.value(), c.works ? 0u : 1u);
    EXPECT_EQ(pair.server_stats.ocsp_staple_responses.value(), c.stapled ? 1u : 0u);
    EXPECT_EQ(pair.server_stats.ocsp_staple_omitted.value(), c.works && !c.stapled ? 1u : 0u);
    const uint8_t* got = nullptr;
    size_t size = 0;
    SSL_get0_ocsp_response(client.ssl(), &got, &size);
    EXPECT_EQ(size > 0, c.stapled);
    if (size > 0) {
      EXPECT_EQ(std::string(reinterpret_cast<const char*>(got), size), staple);
    }
  }
}

TEST_F(TlsTransportTest, RandomBytesAfterTheHandshake) {
  base::Random random(7);
  for (int round = 0; round < 50; ++round) {
    TlsPair pair(Server(round % 2 == 0 ? Version::kTls12 : Version::kTls13), Client());
    ASSERT_TRUE(pair.Shake());
    std::string bytes(1 + random.Next() % 300, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.Next());
    if (round % 3 == 0) bytes.replace(0, 3, std::string("\x17\x03\x03", 3));
    ASSERT_GT(write(pair.client().connection().fd(), bytes.data(), bytes.size()), 0);
    shutdown(pair.client().connection().fd(), SHUT_WR);
    pair.Turn();
    const ReadStatus status = pair.server().ReadAll();
    EXPECT_TRUE(status == ReadStatus::kError || pair.server().transport().truncated());
    EXPECT_EQ(pair.server().received(), "");
  }
}

}  // namespace
}  // namespace proxenos::tls
