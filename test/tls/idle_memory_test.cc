// What an idle TLS connection weighs: its handshake's memory has been given back.
#include <malloc.h>
#include <sys/resource.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "test/tls/tls_pair.h"

namespace proxenos::tls {
namespace {

using testing::MakeCa;
using testing::MakeLeaf;
using testing::TestCertificate;

constexpr size_t kConnections = 2000;
// The mark for a connection whole; its HTTP half needs some hundreds of bytes of it.
constexpr size_t kMaxBytes = 4 * 1024;

size_t ResidentBytes() {
  FILE* file = std::fopen("/proc/self/statm", "r");
  long total = 0;
  long resident = 0;
  const int read = std::fscanf(file, "%ld %ld", &total, &resident);
  std::fclose(file);
  return read == 2 ? static_cast<size_t>(resident) * 4096 : 0;
}

class IdleMemoryTest : public ::testing::Test {
 protected:
  IdleMemoryTest() : loop_(clock_) {
    rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }

  // One connection of each kind: shaken, used, and then idle. The client's end is thrown away.
  std::unique_ptr<TlsEnd> MakeIdle(const base::Held<ServerContext>& server,
                                   const base::Held<ClientContext>& client) {
    int fds[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    auto ours = std::make_unique<TlsEnd>(loop_, fds[0], MakeServerTransport(server, stats_));
    TlsEnd theirs(loop_, fds[1], MakeClientTransport(client, {}, stats_));
    for (int i = 0; i < 4; ++i) {
      loop_.RunOnce(0);
      theirs.Advance();
      loop_.RunOnce(0);
      ours->Advance();
    }
    theirs.Write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    loop_.RunOnce(0);
    EXPECT_EQ(ours->ReadAll(), ReadStatus::kNothing);
    EXPECT_EQ(ours->received().size(), 27u);
    ours->received().clear();
    ours->received().shrink_to_fit();
    EXPECT_EQ(ours->Write("HTTP/1.1 200 OK\r\n\r\n"), FlushStatus::kDone);
    return ours;
  }

  testing::SimClock clock_;
  event::EventLoop loop_;
  stats::TlsStats stats_;
};

TEST_F(IdleMemoryTest, IsGivenBack) {
#if defined(PROXENOS_ASAN) || defined(PROXENOS_TSAN)
  GTEST_SKIP() << "the sanitizers' allocator keeps no such books";
#endif
  const TestCertificate ca = MakeCa("root");
  const TestCertificate leaf = MakeLeaf(ca, "www.example.com");
  for (const Version version : {Version::kTls12, Version::kTls13}) {
    ServerOptions options = ServerWith(leaf);
    options.common.max_version = version;
    const auto server = base::Hold(Make(options));
    const auto client = base::Hold(Make(ClientTrusting(ca)));
    std::vector<std::unique_ptr<TlsEnd>> idle;
    idle.reserve(kConnections);
    for (int i = 0; i < 50; ++i) MakeIdle(server, client);  // Pools and caches fill.
    const size_t heap = mallinfo2().uordblks;
    const size_t resident = ResidentBytes();
    for (size_t i = 0; i < kConnections; ++i) idle.push_back(MakeIdle(server, client));
    const size_t heap_each = (mallinfo2().uordblks - heap) / kConnections;
    const size_t resident_each = (ResidentBytes() - resident) / kConnections;
    std::printf("TLS %x: %zu bytes of heap, %zu resident, a connection\n",
                static_cast<unsigned>(version), heap_each, resident_each);
    EXPECT_LE(heap_each, kMaxBytes);
    EXPECT_LE(resident_each, kMaxBytes);
  }
}

}  // namespace
}  // namespace proxenos::tls
