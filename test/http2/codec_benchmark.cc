// What the codec costs per request and response, both roles, beside nghttp2 alone doing the same;
// and what an idle session weighs.
// Run: bazel run -c opt //test/http2:codec_benchmark
#include <malloc.h>
#include <nghttp2/nghttp2.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "source/base/check.h"
#include "source/http2/session.h"

namespace proxenos::http2 {
namespace {

using Field = std::pair<const char*, const char*>;

// As wrk, hey and curl mix them, and what nginx answers.
constexpr Field kRequestFields[] = {
    {"user-agent", "Mozilla/5.0 (X11; Linux x86_64)"},
    {"accept", "text/html,*/*;q=0.8"},
    {"accept-encoding", "gzip, deflate"},
    {"cookie", "session=0123456789abcdef"},
};
constexpr Field kResponseFields[] = {
    {"server", "nginx/1.22.1"},
    {"date", "Sat, 22 Nov 2025 04:00:00 GMT"},
    {"content-type", "application/octet-stream"},
    {"content-length", "1024"},
    {"last-modified", "Fri, 21 Nov 2025 10:00:00 GMT"},
    {"etag", "\"692038a0-400\""},
};
constexpr size_t kBodyBytes = 1024;

// Storage of one message at a time, made anew for each, as a connection's streams do.
template <typename Head, typename Visitor>
class Sink : public Visitor {
 public:
  Head& OnMessageBegin() override {
    arena_.Reset();
    return *new (storage_) Head(arena_);
  }
  void OnHead(buffer::Slice) override {}
  void OnBody(buffer::Slice data) override { body_ += data.size(); }
  http::HeaderMap& OnTrailersBegin() override { return head().headers; }
  void OnTrailers(buffer::Slice) override {}
  void OnComplete() override { ++complete_; }
  Head& head() { return *reinterpret_cast<Head*>(storage_); }
  buffer::Arena arena_;
  uint64_t body_ = 0;
  uint64_t complete_ = 0;

 private:
  alignas(Head) char storage_[sizeof(Head)];
};

class RequestSink final : public Sink<http::RequestHead, http::RequestVisitor> {};
class ResponseSink final : public Sink<http::ResponseHead, http::ResponseVisitor> {
 public:
  void OnInformational(buffer::Slice) override {}
};

class Server final : public ServerVisitor {
 public:
  http::RequestVisitor* OnStreamBegin(StreamId id) override {
    last = id;
    return &sink;
  }
  void OnHeadRefused(StreamId, http::CodecError) override { CHECK(false); }
  void OnReset(StreamId, ErrorCode, bool) override { CHECK(false); }
  void OnClosed(StreamId) override {}
  void OnRoom(StreamId) override {}
  void OnGoAway(StreamId, ErrorCode) override {}
  void OnPong(uint64_t) override {}
  Options options;
  stats::Http2Stats stats;
  RequestSink sink;
  StreamId last = 0;
  ServerSession session{options, stats, *this};
};

class Client final : public ClientVisitor {
 public:
  void OnReset(StreamId, ErrorCode, bool) override { CHECK(false); }
  void OnClosed(StreamId) override {}
  void OnRoom(StreamId) override {}
  void OnGoAway(StreamId, ErrorCode) override {}
  void OnPong(uint64_t) override {}
  void OnSettings() override {}
  Options options;
  stats::Http2Stats stats;
  ResponseSink sink;
  ClientSession session{options, stats, *this};
};

// One write and one read, as over a socket: the bytes arrive in another slab.
void Carry(Session& from, Session& to) {
  buffer::Buffer out;
  from.Produce(out, 65536);
  if (out.empty()) return;
  buffer::Buffer in;
  for (size_t i = 0; i < out.slice_count(); ++i) in.Append(out.slice(i).view());
  while (!in.empty()) CHECK(to.Receive(in.PopFront()));
}

struct Messages {
  Messages() : request(arena), response(arena) {
    request.method_text = "GET";
    request.scheme = "https";
    request.authority = "www.example.com:8080";
    request.path = "/api/v1/items/4711?page=2";
    for (const auto& [name, value] : kRequestFields) request.headers.Add(name, value);
    response.status = 200;
    response.framing = http::Framing{http::Framing::kLength, kBodyBytes};
    for (const auto& [name, value] : kResponseFields) response.headers.Add(name, value);
  }
  buffer::Arena arena;
  http::RequestHead request;
  http::ResponseHead response;
};

void BM_RequestAndResponse(benchmark::State& state) {
  const int64_t streams = state.range(0);
  Server server;
  Client client;
  Carry(client.session, server.session);
  Carry(server.session, client.session);
  const Messages messages;
  buffer::Slice content = buffer::Slice::Copy(std::string(kBodyBytes, 'x'));
  std::vector<StreamId> ids(static_cast<size_t>(streams));
  for (auto _ : state) {
    for (StreamId& id : ids) id = client.session.SendHead(messages.request, true, client.sink);
    Carry(client.session, server.session);
    for (StreamId id : ids) {
      server.session.SendHead(id, messages.response, false);
      buffer::Buffer body;
      body.Append(content);
      CHECK(server.session.SendBody(id, body, true, nullptr));
    }
    Carry(server.session, client.session);
    for (StreamId id : ids) client.session.Consume(id, kBodyBytes);
  }
  CHECK(client.sink.complete_ == static_cast<uint64_t>(state.iterations() * streams));
  state.SetItemsProcessed(state.iterations() * streams);
}
BENCHMARK(BM_RequestAndResponse)->Arg(1)->Arg(20);

// nghttp2's own minimum: the same messages through two of its sessions, with callbacks that look at
// nothing, windows on its own account.
class Bare {
 public:
  explicit Bare(bool server) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, OnFrame);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, OnHeader);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, SendData);
    if (server) {
      nghttp2_session_server_new(&session_, callbacks, this);
    } else {
      nghttp2_session_client_new(&session_, callbacks, this);
    }
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry entry = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, &entry, 1);
    body_ = std::string(kBodyBytes, 'x');
  }
  ~Bare() { nghttp2_session_del(session_); }

  static nghttp2_nv Nv(const char* name, const char* value) {
    return {reinterpret_cast<uint8_t*>(const_cast<char*>(name)),
            reinterpret_cast<uint8_t*>(const_cast<char*>(value)), strlen(name), strlen(value),
            NGHTTP2_NV_FLAG_NONE};
  }

  void Request() {
    std::vector<nghttp2_nv> fields = {Nv(":method", "GET"), Nv(":scheme", "https"),
                                      Nv(":authority", "www.example.com:8080"),
                                      Nv(":path", "/api/v1/items/4711?page=2")};
    for (const auto& [name, value] : kRequestFields) fields.push_back(Nv(name, value));
    nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), nullptr, nullptr);
  }

  void CarryTo(Bare& to) {
    out_.clear();
    const uint8_t* data = nullptr;
    ssize_t size;
    while ((size = nghttp2_session_mem_send(session_, &data)) > 0) {
      out_.append(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
    }
    CHECK(nghttp2_session_mem_recv(to.session_, reinterpret_cast<const uint8_t*>(out_.data()),
                                   out_.size()) == static_cast<ssize_t>(out_.size()));
  }

 private:  // tidy: allow parameters: nghttp2's signature.
  static int OnHeader(nghttp2_session*, const nghttp2_frame*, const uint8_t*, size_t,
                      const uint8_t*, size_t, uint8_t, void*) {
    return 0;
  }

  static int OnFrame(nghttp2_session* session, const nghttp2_frame* frame, void* user_data) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    std::vector<nghttp2_nv> fields = {Nv(":status", "200")};
    for (const auto& [name, value] : kResponseFields) fields.push_back(Nv(name, value));
    nghttp2_data_provider provider;
    provider.source.ptr = user_data;
    provider.read_callback = [](nghttp2_session*, int32_t, uint8_t*, size_t, uint32_t* flags,
                                nghttp2_data_source*, void*) -> ssize_t {
      *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_COPY;
      return kBodyBytes;
    };
    return nghttp2_submit_response(session, frame->hd.stream_id, fields.data(), fields.size(),
                                   &provider);
  }

  // tidy: allow parameters: nghttp2's signature.
  static int SendData(nghttp2_session*, nghttp2_frame*, const uint8_t* header, size_t,
                      nghttp2_data_source* source, void*) {
    Bare& self = *static_cast<Bare*>(source->ptr);
    self.out_.append(reinterpret_cast<const char*>(header), 9);
    self.out_ += self.body_;
    return 0;
  }

  nghttp2_session* session_ = nullptr;
  std::string out_;
  std::string body_;
};

void BM_Nghttp2Alone(benchmark::State& state) {
  const int64_t streams = state.range(0);
  Bare server(true);
  Bare client(false);
  client.CarryTo(server);
  server.CarryTo(client);
  for (auto _ : state) {
    for (int64_t i = 0; i < streams; ++i) client.Request();
    client.CarryTo(server);
    server.CarryTo(client);
  }
  state.SetItemsProcessed(state.iterations() * streams);
}
BENCHMARK(BM_Nghttp2Alone)->Arg(1)->Arg(20);

double ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  double total = 0, resident = 0;
  statm >> total >> resident;
  return resident * 4096;
}

// What a session holds once its SETTINGS were exchanged and one request was answered.
void BM_IdleSessionBytes(benchmark::State& state) {
  constexpr int kSessions = 1000;
  const Messages messages;
  double heap = 0, given_back = 0, state_bytes = 0;
  for (auto _ : state) {
    std::vector<std::unique_ptr<Server>> servers;
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < kSessions; ++i) {
      clients.push_back(std::make_unique<Client>());
      clients.back()->session.SendHead(messages.request, true, clients.back()->sink);
    }
    servers.reserve(kSessions);
    const size_t before = mallinfo2().uordblks;
    for (int i = 0; i < kSessions; ++i) {
      servers.push_back(std::make_unique<Server>());
      Server& server = *servers.back();
      Carry(clients[static_cast<size_t>(i)]->session, server.session);
      server.session.SendHead(server.last, messages.response, true);
      buffer::Buffer out;
      server.session.Produce(out, 65536);
      server.sink.arena_.Reset();
    }
    heap = static_cast<double>(mallinfo2().uordblks - before) / kSessions;
    const double full = ResidentBytes();
    for (const auto& server : servers) server->session.ReleaseIdleMemory();
    given_back = (full - ResidentBytes()) / kSessions;
    state_bytes = static_cast<double>(sizeof(Server));
  }
  state.counters["heap"] = heap;
  state.counters["given_back"] = given_back;
  state.counters["own"] = state_bytes;
}
BENCHMARK(BM_IdleSessionBytes)->Iterations(1);

}  // namespace
}  // namespace proxenos::http2

BENCHMARK_MAIN();
