// A server's and a client's session with visitors that write down what they are told, and the wire
// between them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "source/http2/session.h"
#include "test/http1/recorder.h"

namespace proxenos::http2 {

// How bytes are cut on their way.
struct Cut {
  static Cut Whole() { return Cut{0, 0}; }
  static Cut ByteByByte() { return Cut{1, 0}; }
  static Cut Random(uint32_t seed) { return Cut{0, seed}; }
  uint32_t size = 0;
  uint32_t seed = 0;
};

// What is the same for both roles: events that are not parts of messages, in `log`.
class Notes {
 public:
  std::string TakeLog() { return std::exchange(log, ""); }
  std::string log;

 protected:
  void NoteReset(StreamId stream, ErrorCode code, bool by_peer);
  void Note(absl::string_view what, StreamId stream);
  void NoteGoAway(StreamId last, ErrorCode code);
};

class ServerPeer final : public ServerVisitor, public Notes {
 public:
  explicit ServerPeer(const Options& options = Options());

  http::RequestVisitor* OnStreamBegin(StreamId stream) override;
  void OnHeadRefused(StreamId stream, http::CodecError error) override;
  void OnReset(StreamId stream, ErrorCode code, bool by_peer) override {
    NoteReset(stream, code, by_peer);
  }
  void OnClosed(StreamId stream) override;
  void OnRoom(StreamId stream) override { Note("room", stream); }
  void OnGoAway(StreamId last, ErrorCode code) override { NoteGoAway(last, code); }
  void OnPong(uint64_t opaque) override;

  // The transcript of a stream's request so far.
  std::string Request(StreamId stream);
  // Of all streams, those that are over too.
  std::string AllRequests();
  const http::RequestHead& Head(StreamId stream) { return requests_.at(stream)->head(); }
  void RespondToAll();
  // Answers with `status`, and `body` when not empty.
  void Respond(StreamId stream, uint16_t status, absl::string_view body = "");

  const Options options;
  stats::Http2Stats stats;
  bool refuse = false;
  ServerSession session;

 private:
  std::map<StreamId, std::unique_ptr<http1::RequestRecorder>> requests_;  // Closed ones too.
};

class ClientPeer final : public ClientVisitor, public Notes {
 public:
  explicit ClientPeer(const Options& options = Options());

  void OnReset(StreamId stream, ErrorCode code, bool by_peer) override {
    NoteReset(stream, code, by_peer);
  }
  void OnClosed(StreamId stream) override { Note("closed", stream); }
  void OnRoom(StreamId stream) override { Note("room", stream); }
  void OnGoAway(StreamId last, ErrorCode code) override { NoteGoAway(last, code); }
  void OnPong(uint64_t opaque) override;
  void OnSettings() override { ++settings; }

  StreamId Get(absl::string_view path, const std::map<std::string, std::string>& fields = {});
  StreamId Send(const http::RequestHead& head, bool end);
  std::string Response(StreamId stream) { return responses_.at(stream)->transcript.Take(); }
  const http::ResponseHead& Head(StreamId stream) { return responses_.at(stream)->head(); }

  const Options options;
  stats::Http2Stats stats;
  int settings = 0;
  ClientSession session;

 private:
  std::map<StreamId, std::unique_ptr<http1::ResponseRecorder>> responses_;
};

// Gives `bytes` to `session`, cut; false when it broke.
bool Feed(Session& session, absl::string_view bytes, Cut cut = Cut::Whole());
// All that `session` has to say.
std::string Produced(Session& session);
// Carries bytes to and fro until both are silent.
void Carry(Session& a, Session& b, Cut cut = Cut::Whole());

buffer::Buffer BufferOf(absl::string_view bytes);

}  // namespace proxenos::http2
