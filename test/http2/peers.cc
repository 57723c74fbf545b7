// Peers and their wire.
#include "test/http2/peers.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"

namespace proxenos::http2 {

void Notes::NoteReset(StreamId stream, ErrorCode code, bool by_peer) {
  absl::StrAppend(&log, "reset ", stream, " code=", static_cast<uint32_t>(code),
                  by_peer ? " by peer\n" : "\n");
}

void Notes::Note(absl::string_view what, StreamId stream) {
  absl::StrAppend(&log, what, " ", stream, "\n");
}

void Notes::NoteGoAway(StreamId last, ErrorCode code) {
  absl::StrAppend(&log, "goaway last=", last, " code=", static_cast<uint32_t>(code), "\n");
}

ServerPeer::ServerPeer(const Options& with) : options(with), session(options, stats, *this) {}

http::RequestVisitor* ServerPeer::OnStreamBegin(StreamId stream) {
  if (refuse) return nullptr;
  auto& recorder = requests_[stream];
  CHECK(recorder == nullptr);
  recorder = std::make_unique<http1::RequestRecorder>();
  return recorder.get();
}

void ServerPeer::OnHeadRefused(StreamId stream, http::CodecError error) {
  absl::StrAppend(&log, "refused ", stream, " ", http::StatusOf(error), "\n");
}

void ServerPeer::OnClosed(StreamId stream) {
  CHECK(requests_.count(stream) == 1);
  Note("closed", stream);
}

void ServerPeer::OnPong(uint64_t opaque) { absl::StrAppend(&log, "pong ", opaque, "\n"); }

std::string ServerPeer::Request(StreamId stream) { return requests_.at(stream)->transcript.Take(); }

std::string ServerPeer::AllRequests() {
  std::string all;
  for (const auto& [stream, request] : requests_) {
    absl::StrAppend(&all, stream, " ", request->transcript.Take());
  }
  return all;
}

void ServerPeer::RespondToAll() {
  for (const auto& [stream, request] : requests_) Respond(stream, 200, "hello");
}

void ServerPeer::Respond(StreamId stream, uint16_t status, absl::string_view body) {
  buffer::Arena arena;
  http::ResponseHead head(arena);
  head.status = status;
  if (!body.empty()) head.framing = http::Framing{http::Framing::kLength, body.size()};
  session.SendHead(stream, head, body.empty());
  if (body.empty()) return;
  buffer::Buffer buffer = BufferOf(body);
  CHECK(session.SendBody(stream, buffer, true, nullptr));
}

ClientPeer::ClientPeer(const Options& with) : options(with), session(options, stats, *this) {}

void ClientPeer::OnPong(uint64_t opaque) { absl::StrAppend(&log, "pong ", opaque, "\n"); }

StreamId ClientPeer::Get(absl::string_view path, const std::map<std::string, std::string>& fields) {
  buffer::Arena arena;
  http::RequestHead head(arena);
  head.method_text = "GET";
  head.scheme = "http";
  head.authority = "www.example.com";
  head.path = path;
  for (const auto& [name, value] : fields) head.headers.Add(name, value);
  return Send(head, true);
}

StreamId ClientPeer::Send(const http::RequestHead& head, bool end) {
  auto recorder = std::make_unique<http1::ResponseRecorder>();
  const StreamId stream = session.SendHead(head, end, *recorder);
  responses_[stream] = std::move(recorder);
  return stream;
}

bool Feed(Session& session, absl::string_view bytes, Cut cut) {
  std::mt19937 random(cut.seed);
  while (!bytes.empty()) {
    size_t size = bytes.size();
    if (cut.size > 0) size = cut.size;
    if (cut.seed > 0) size = random() % 30 == 0 ? 2000 : 1 + random() % 20;
    size = std::min(size, bytes.size());
    if (!session.Receive(buffer::Slice::Copy(bytes.substr(0, size)))) return false;
    bytes.remove_prefix(size);
  }
  return true;
}

std::string Produced(Session& session) {
  std::string all;
  while (session.wants_write()) {
    buffer::Buffer out;
    session.Produce(out, 65536);
    if (out.empty() && session.wants_write()) break;
    all += out.ToString();
  }
  return all;
}

void Carry(Session& a, Session& b, Cut cut) {
  while (true) {
    const std::string forth = Produced(a);
    Feed(b, forth, cut);
    const std::string back = Produced(b);
    Feed(a, back, cut);
    if (forth.empty() && back.empty()) return;
  }
}

buffer::Buffer BufferOf(absl::string_view bytes) {
  buffer::Buffer buffer;
  buffer.Append(bytes);
  return buffer;
}

}  // namespace proxenos::http2
