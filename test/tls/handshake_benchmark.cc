// What a handshake and a record cost, both ends apart: only the server's half is timed.
#include <time.h>

#include <string>

#include "benchmark/benchmark.h"
#include "test/tls/raw_client.h"
#include "test/tls/tls_pair.h"

namespace proxenos::tls {
namespace {

using testing::KeyKind;
using testing::MakeCa;
using testing::MakeLeaf;
using testing::TestCertificate;

double Now() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// One full handshake a round, with the given group; the client's work is not counted.
void ServerHandshake(benchmark::State& state, Version version, KeyKind key, const char* group) {
  const TestCertificate ca = MakeCa("root");
  const TestCertificate leaf = MakeLeaf(ca, "www.example.com", key);
  ServerOptions options = ServerWith(leaf);
  options.common.max_version = version;
  const auto server = Make(options);
  for (auto _ : state) {
    TlsPair pair(nullptr, nullptr);
    RawClient client(pair.client().connection().fd());
    SSL_set1_groups_list(client.ssl(), group);
    client.Advance();
    pair.Turn();
    const double start = Now();
    auto transport = MakeServerTransport(base::Hold(server), pair.server_stats);
    transport->Advance(pair.server().connection());
    double spent = Now() - start;
    const bool done = client.Advance();
    pair.Turn();
    const double again = Now();
    const Handshake result = transport->Advance(pair.server().connection());
    transport.reset();
    spent += Now() - again;
    client.Advance();
    if (result != Handshake::kDone || (!done && version == Version::kTls13)) {
      state.SkipWithError("the handshake failed");
    }
    state.SetIterationTime(spent);
  }
}
BENCHMARK_CAPTURE(ServerHandshake, tls13_p256_x25519, Version::kTls13, KeyKind::kP256, "X25519")
    ->UseManualTime();
BENCHMARK_CAPTURE(ServerHandshake, tls13_p256_p256, Version::kTls13, KeyKind::kP256, "P-256")
    ->UseManualTime();
BENCHMARK_CAPTURE(ServerHandshake, tls13_p256_mlkem, Version::kTls13, KeyKind::kP256,
                  "X25519MLKEM768")
    ->UseManualTime();
BENCHMARK_CAPTURE(ServerHandshake, tls12_p256_x25519, Version::kTls12, KeyKind::kP256,
                  "X25519:P-256")
    ->UseManualTime();
BENCHMARK_CAPTURE(ServerHandshake, tls13_rsa2048_x25519, Version::kTls13, KeyKind::kRsa2048,
                  "X25519")
    ->UseManualTime();

// Both ends and the socket between them, in bytes a second.
void Transfer(benchmark::State& state) {
  const TestCertificate ca = MakeCa("root");
  const TestCertificate leaf = MakeLeaf(ca, "www.example.com");
  TlsPair pair(Make(ServerWith(leaf)), Make(ClientTrusting(ca)));
  if (!pair.Shake()) state.SkipWithError("the handshake failed");
  const std::string bytes(static_cast<size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    pair.server().connection().out().Append(bytes);
    pair.server().connection().Flush();
    pair.Turn();
    size_t got = 0;
    while (got < bytes.size()) {
      buffer::Slice slice;
      const ReadStatus status = pair.client().connection().Read(&slice);
      if (status == ReadStatus::kBytes) {
        got += slice.size();
      } else if (status == ReadStatus::kNothing) {
        pair.server().connection().Flush();
        pair.Turn();
      } else {
        state.SkipWithError("the transfer failed");
        break;
      }
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(Transfer)->Arg(100)->Arg(1024)->Arg(16 * 1024)->Arg(128 * 1024);

}  // namespace
}  // namespace proxenos::tls

BENCHMARK_MAIN();
