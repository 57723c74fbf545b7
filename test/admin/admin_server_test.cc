// The admin interface over real sockets: framing, methods, limits, timeouts, large pages.
#include "source/admin/admin_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/access_log/formatter.h"
#include "test/support/eventually.h"
#include "test/support/loop_thread.h"
#include "test/support/test_client.h"

namespace proxenos::admin {
namespace {

using proxenos::testing::Eventually;
using proxenos::testing::LoopThread;
using proxenos::testing::Message;
using proxenos::testing::Socket;
using proxenos::testing::TestClient;

// Larger than all buffers on the way.
constexpr size_t kHuge = size_t{24} << 20;

class AdminServerTest : public ::testing::Test {
 protected:
  ~AdminServerTest() override {
    loop_.Do([this] {
      server_.reset();
      table_.reset();
    });
    // A turn of its own: what was retired is gone before the registry.
    loop_.Do([] {});
  }

  uint16_t Start(AdminLimits limits = {},
                 net::Address address = *net::Address::FromIp("127.0.0.1", 0)) {
    loop_.Do([&] {
      table_ = std::make_unique<EndpointTable>();
      AddPages();
      server_ = std::make_unique<AdminServer>(loop_.loop(), *table_, registry_, limits);
      const absl::Status status = server_->Listen(address);
      ASSERT_TRUE(status.ok()) << status;
    });
    return server_->address().port();
  }

  void AddPage(const std::string& path, Endpoint::Method method,
               absl::AnyInvocable<Response(const Request&)> handler) {
    table_->Add(Endpoint{
        .path = path, .method = method, .help = "", .params = {}, .handler = std::move(handler)});
  }

  void AddPages() {
    AddPage("/hello", Endpoint::Method::kRead,
            [](const Request&) { return Response::Text("hello\n"); });
    AddPage("/huge", Endpoint::Method::kRead,
            [](const Request&) { return Response::Text(std::string(kHuge, 'x')); });
    AddPage("/html", Endpoint::Method::kRead, [](const Request&) {
      Response response = Response::Text("<p>");
      response.content_type = "text/html; charset=UTF-8";
      return response;
    });
    AddPage("/echo", Endpoint::Method::kPost, [](const Request& request) {
      std::string text = absl::StrCat(request.path, "|", request.query, "|", request.body, "|");
      for (const auto& [name, value] : request.params.all()) {
        absl::StrAppend(&text, name, "=", value, ";");
      }
      return Response::Text(std::move(text));
    });
  }

  uint32_t Connections() {
    uint32_t count = 0;
    loop_.Do([&] { count = server_->connection_count(); });
    return count;
  }

  uint64_t Stat(absl::string_view prefix, absl::string_view name) {
    uint64_t value = 0;
    loop_.Do([&] {
      for (const stats::ScopeReading& scope : registry_.Read()) {
        if (scope.name.prefix() != prefix) continue;
        for (size_t i = 0; i < scope.schema->stats.size(); ++i) {
          if (scope.schema->stats[i].name == name) value = scope.total.values[i];
        }
      }
    });
    return value;
  }

  stats::Registry registry_;
  access_log::LogWriter writer_;
  LoopThread loop_;
  std::unique_ptr<EndpointTable> table_;
  std::unique_ptr<AdminServer> server_;
};

TEST_F(AdminServerTest, AnswersOnOneConnection) {
  TestClient client(Start());
  for (int i = 0; i < 3; ++i) {
    const Message response = client.Get("/hello?x");
    EXPECT_EQ(response.status(), 200);
    EXPECT_EQ(response.body, "hello\n");
    EXPECT_EQ(response.Header("content-type"), "text/plain; charset=UTF-8");
    EXPECT_EQ(response.Header("cache-control"), "no-cache, max-age=0");
    EXPECT_EQ(response.Header("x-content-type-options"), "nosniff");
    EXPECT_EQ(response.Header("content-length"), "6");
    EXPECT_TRUE(response.Has("date"));
  }
  EXPECT_EQ(Connections(), 1u);
  EXPECT_EQ(Stat("http.admin.", "downstream_rq_2xx"), 3u);
  EXPECT_EQ(Stat("http.admin.", "downstream_rq_total"), 3u);
  EXPECT_EQ(Stat("listener.admin.", "downstream_cx_total"), 1u);
}

TEST_F(AdminServerTest, HeadHasNoBody) {
  TestClient client(Start());
  const Message head = client.Request("HEAD", "/hello");
  EXPECT_EQ(head.status(), 200);
  EXPECT_EQ(head.Header("content-length"), "6");
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(client.Get("/hello").body, "hello\n");
}

TEST_F(AdminServerTest, PagesMayNotBeFramed) {
  TestClient client(Start());
  EXPECT_EQ(client.Get("/html").Header("x-frame-options"), "DENY");
  EXPECT_FALSE(client.Get("/hello").Has("x-frame-options"));
}

TEST_F(AdminServerTest, PipelinedRequestsAreAnsweredInOrder) {
  TestClient client(Start());
  std::string requests;
  for (int i = 0; i < 200; ++i) {
    requests += TestClient::Text("POST", absl::StrCat("/echo?", i), {}, "b");
  }
  ASSERT_TRUE(client.Send(requests));
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(client.ReadResponse("POST").body, absl::StrCat("/echo|", i, "|b|", i, "=;"));
  }
}

TEST_F(AdminServerTest, InPieces) {
  const uint16_t port = Start();
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    TestClient client(port);
    ASSERT_TRUE(client.socket().SendInPieces(
        TestClient::Text("POST", "/echo?a=b", {}, "some body") + TestClient::Text("GET", "/hello"),
        seed, 7));
    EXPECT_EQ(client.ReadResponse("POST").body, "/echo|a=b|some body|a=b;");
    EXPECT_EQ(client.ReadResponse().body, "hello\n");
  }
}

TEST_F(AdminServerTest, FormsAreParameters) {
  TestClient client(Start());
  const Message response = client.Request(
      "POST", "/echo?q=1", {{"content-type", "application/x-www-form-urlencoded"}}, "a=b+c&d");
  EXPECT_EQ(response.body, "/echo|q=1|a=b+c&d|q=1;a=b c;d=;");
}

TEST_F(AdminServerTest, ChunkedBody) {
  TestClient client(Start());
  const Message response = client.Exchange(
      "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
      "POST");
  EXPECT_EQ(response.body, "/echo||abcde|");
}

TEST_F(AdminServerTest, ContinuesWhoWaitsForIt) {
  TestClient client(Start());
  ASSERT_TRUE(client.Send(
      "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n"));
  std::string interim;
  while (!absl::StrContains(interim, "\r\n\r\n")) {
    ASSERT_EQ(client.socket().ReadSome(interim), Socket::Read::kBytes);
  }
  EXPECT_EQ(interim, "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(client.Send("ok"));
  EXPECT_EQ(client.ReadResponse("POST").body, "/echo||ok|");
}

TEST_F(AdminServerTest, WrongMethodsAndPaths) {
  TestClient client(Start());
  const Message wrong = client.Get("/echo");
  EXPECT_EQ(wrong.status(), 405);
  EXPECT_EQ(wrong.Header("allow"), "POST");
  EXPECT_EQ(wrong.body, "Method GET not allowed, POST required.");
  EXPECT_EQ(client.Get("/nope").status(), 404);
  EXPECT_EQ(client.Request("OPTIONS", "*").status(), 404);
  EXPECT_EQ(client.Get("/hello").status(), 200);
}

TEST_F(AdminServerTest, MalformedRequestsAreRefusedAndTheConnectionEnds) {
  const uint16_t port = Start();
  const std::pair<const char*, int> kCases[] = {
      {"GET /hello HTTP/1.1\r\nhost : a\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\nhost: a\nx: y\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", 400},
      {"GET /hello HTTP/2.7\r\nhost: a\r\n\r\n", 505},
      {"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400},
  };
  for (const auto& [bytes, status] : kCases) {
    TestClient client(port);
    const Message response = client.Exchange(bytes);
    EXPECT_EQ(response.status(), status) << bytes;
    EXPECT_EQ(response.Header("connection"), "close") << bytes;
    EXPECT_TRUE(client.SeesClose()) << bytes;
  }
  EXPECT_EQ(Stat("http.admin.", "downstream_cx_protocol_error"), 6u);
  EXPECT_EQ(Stat("http.admin.", "downstream_rq_active"), 0u);
}

TEST_F(AdminServerTest, ConnectIsRefused) {
  TestClient client(Start());
  const Message response = client.Exchange("CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n");
  EXPECT_EQ(response.status(), 405);
  EXPECT_EQ(response.Header("connection"), "close");
}

TEST_F(AdminServerTest, LargeBodiesAreRefused) {
  const uint16_t port = Start();
  TestClient announced(port);
  const Message refused =
      announced.Exchange("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 65537\r\n\r\n", "POST");
  EXPECT_EQ(refused.status(), 413);
  EXPECT_EQ(refused.Header("connection"), "close");

  TestClient chunked(port);
  std::string request = "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
  for (int i = 0; i < 20; ++i) request += "1000\r\n" + std::string(0x1000, 'z') + "\r\n";
  EXPECT_EQ(chunked.Exchange(request, "POST").status(), 413);

  TestClient fits(port);
  const Message response = fits.Request("POST", "/echo", {}, std::string(65536, 'y'));
  EXPECT_EQ(response.status(), 200);
  EXPECT_EQ(response.body.size(), std::string("/echo|||").size() + 65536);
}

TEST_F(AdminServerTest, OldHttp) {
  const uint16_t port = Start();
  TestClient plain(port);
  const Message once = plain.Exchange("GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_EQ(once.status(), 200);
  EXPECT_EQ(once.body, "hello\n");
  EXPECT_TRUE(plain.SeesClose());
  TestClient kept(port);
  for (int i = 0; i < 2; ++i) {
    const Message response = kept.Exchange("GET /hello HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
    EXPECT_EQ(response.body, "hello\n");
    EXPECT_EQ(response.Header("connection"), "keep-alive");
  }
}

TEST_F(AdminServerTest, ClosesWhenAskedTo) {
  TestClient client(Start());
  const Message response = client.Get("/hello", {{"connection", "close"}});
  EXPECT_EQ(response.body, "hello\n");
  EXPECT_EQ(response.Header("connection"), "close");
  EXPECT_TRUE(client.SeesClose());
}

TEST_F(AdminServerTest, AnswersAPeerThatHasSentAllItHas) {
  TestClient client(Start());
  ASSERT_TRUE(client.Send(TestClient::Text("GET", "/huge") + TestClient::Text("GET", "/hello")));
  client.socket().ShutdownWrite();
  EXPECT_EQ(client.ReadResponse().body.size(), kHuge);
  EXPECT_EQ(client.ReadResponse().body, "hello\n");
  EXPECT_TRUE(client.SeesClose());
}

TEST_F(AdminServerTest, AHugePageDoesNotHoldUpOthers) {
  const uint16_t port = Start();
  TestClient slow(port);
  ASSERT_TRUE(slow.Send(TestClient::Text("GET", "/huge")));
  // Nobody reads it, so most of it still waits while another client is served.
  TestClient other(port);
  EXPECT_EQ(other.Get("/hello").body, "hello\n");
  EXPECT_LT(Stat("http.admin.", "downstream_cx_tx_bytes_total"), kHuge);
  const Message response = slow.ReadResponse();
  EXPECT_EQ(response.body, std::string(kHuge, 'x'));
  EXPECT_EQ(slow.Get("/hello").body, "hello\n");
}

TEST_F(AdminServerTest, APeerThatGoesAwayMeanwhile) {
  const uint16_t port = Start();
  {
    TestClient client(port);
    ASSERT_TRUE(client.Send(TestClient::Text("GET", "/huge")));
    std::string some;
    client.socket().ReadSome(some);
    client.socket().Reset();
  }
  EXPECT_TRUE(Eventually([this] { return Connections() == 0; }));
  EXPECT_EQ(Stat("http.admin.", "downstream_rq_active"), 0u);
  EXPECT_EQ(Stat("http.admin.", "downstream_cx_active"), 0u);
  EXPECT_EQ(TestClient(port).Get("/hello").body, "hello\n");
}

TEST_F(AdminServerTest, RoomIsMadeByClosingWhoWasIdleLongest) {
  AdminLimits limits;
  limits.max_connections = 3;
  const uint16_t port = Start(limits);
  TestClient first(port), second(port), third(port);
  for (TestClient* each : {&first, &second, &third}) EXPECT_EQ(each->Get("/hello").status(), 200);
  EXPECT_EQ(first.Get("/hello").status(), 200);  // So `second` has been idle longest.
  TestClient fourth(port);
  EXPECT_EQ(fourth.Get("/hello").status(), 200);
  EXPECT_TRUE(second.SeesClose());
  EXPECT_EQ(Connections(), 3u);
  EXPECT_EQ(first.Get("/hello").status(), 200);
}

TEST_F(AdminServerTest, WhenAllAreBusyNewOnesAreRefused) {
  AdminLimits limits;
  limits.max_connections = 1;
  const uint16_t port = Start(limits);
  TestClient busy(port);
  ASSERT_TRUE(busy.Send("GET /hello HTTP/1.1\r\n"));
  ASSERT_TRUE(Eventually([this] { return Stat("http.admin.", "downstream_rq_active") == 1; }));
  TestClient refused(port);
  EXPECT_TRUE(refused.SeesClose());
  EXPECT_EQ(Stat("listener.admin.", "downstream_cx_overflow"), 1u);
  EXPECT_EQ(busy.Exchange("host: a\r\n\r\n").status(), 200);
}

TEST_F(AdminServerTest, IdleConnectionsAreClosed) {
  AdminLimits limits;
  limits.idle_timeout = 20 * base::kMillisecond;
  const uint16_t port = Start(limits);
  TestClient silent(port);
  EXPECT_TRUE(silent.SeesClose());
  EXPECT_EQ(Stat("http.admin.", "downstream_cx_idle_timeout"), 1u);
}

TEST_F(AdminServerTest, SlowRequestsAreEnded) {
  AdminLimits limits;
  limits.idle_timeout = 50 * base::kMillisecond;
  TestClient slow(Start(limits));
  const Message response = slow.Exchange("GET /hello HTTP/1.1\r\nhost:");
  EXPECT_EQ(response.status(), 408);
  EXPECT_TRUE(slow.SeesClose());
}

TEST_F(AdminServerTest, AResponseThatNobodyTakesIsGivenUp) {
  AdminLimits limits;
  limits.idle_timeout = 50 * base::kMillisecond;
  TestClient stuck(Start(limits));
  ASSERT_TRUE(stuck.Send(TestClient::Text("GET", "/huge")));
  EXPECT_TRUE(Eventually([this] { return Connections() == 0; }));
}

TEST_F(AdminServerTest, BrowsersOfOtherOriginsCannotPost) {
  TestClient client(Start());
  const auto post = [&client](const proxenos::testing::Fields& headers) {
    return client.Request("POST", "/echo", headers).status();
  };
  EXPECT_EQ(post({{"origin", "http://evil.example"}}), 403);
  EXPECT_EQ(post({{"origin", "null"}}), 403);
  EXPECT_EQ(post({{"sec-fetch-site", "cross-site"}}), 403);
  EXPECT_EQ(post({{"sec-fetch-site", "same-site"}}), 403);
  EXPECT_EQ(post({{"origin", "http://test.example"}}), 200);
  EXPECT_EQ(post({{"sec-fetch-site", "same-origin"}, {"origin", "http://test.example"}}), 200);
  EXPECT_EQ(post({}), 200);
}

TEST_F(AdminServerTest, OnAUnixSocket) {
  // An abstract one: the test's own folder may have too long a path.
  const std::string path = absl::StrCat("@admin_server_test.", getpid());
  Start({}, *net::Address::FromPath(path));
  socklen_t size;
  const sockaddr_storage where = net::Address::FromPath(path)->ToSockaddr(&size);
  Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(socket.fd(), reinterpret_cast<const sockaddr*>(&where), size), 0);
  ASSERT_TRUE(socket.Send(TestClient::Text("GET", "/hello")));
  EXPECT_EQ(proxenos::testing::MessageReader(socket).ReadResponse("GET").body, "hello\n");
}

TEST_F(AdminServerTest, AnAddressInUseIsAnError) {
  const uint16_t port = Start();
  absl::Status status;
  loop_.Do([&] {
    AdminServer second(loop_.loop(), *table_, registry_);
    status = second.Listen(*net::Address::FromIp("127.0.0.1", port));
  });
  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(absl::StrContains(status.message(), absl::StrCat("127.0.0.1:", port))) << status;
}

TEST_F(AdminServerTest, WritesItsAccessLog) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/admin.log.", getpid());
  const uint16_t port = Start();
  loop_.Do([&] {
    access_log::AccessLogs logs;
    logs.emplace_back(*writer_.Open(path),
                      *access_log::Formatter::Compile("%REQ(:METHOD)% %REQ(:PATH)% "
                                                      "%RESPONSE_CODE% %BYTES_SENT% %PROTOCOL%\n"),
                      std::nullopt);
    server_->SetAccessLogs(std::move(logs));
  });
  TestClient client(port);
  client.Get("/hello?a");
  client.Get("/nope");
  EXPECT_TRUE(Eventually([this] { return Stat("http.admin.", "downstream_rq_completed") == 2; }));
  writer_.Flush();
  std::stringstream content;
  content << std::ifstream(path).rdbuf();
  EXPECT_TRUE(absl::StartsWith(content.str(), "GET /hello?a 200 6 HTTP/1.1\nGET /nope 404 "))
      << content.str();
  std::remove(path.c_str());
  loop_.Do([this] { server_->SetAccessLogs({}); });
}

TEST_F(AdminServerTest, EndsWithRequestsUnderWay) {
  TestClient client(Start());
  ASSERT_TRUE(client.Send(TestClient::Text("GET", "/huge")));
  std::string some;
  ASSERT_EQ(client.socket().ReadSome(some), Socket::Read::kBytes);
  loop_.Do([this] { server_.reset(); });
  Socket::Read how;
  client.socket().ReadAll(&how);
  EXPECT_NE(how, Socket::Read::kTimeout);
}

}  // namespace
}  // namespace proxenos::admin
