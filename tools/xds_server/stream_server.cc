// gRPC's generic callback service.
#include "tools/xds_server/stream_server.h"

#include <chrono>
#include <deque>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/byte_buffer.h"
#include "source/xds/grpc_order.h"

namespace proxenos::xds_server {
namespace {

// As much as proxenos itself takes: a request may hold tens of thousands of names.
constexpr int kMaxMessageBytes = 64 << 20;

std::string TextOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (!buffer.Dump(&slices).ok()) return text;
  text.reserve(buffer.Length());
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

}  // namespace

// Owner: StreamServer::open_. Dies when: gRPC is done with it. Its private state is guarded by the
// server's mutex; operations are started under it, so that none is started after the end.
class StreamServer::Stream final : public grpc::ServerGenericBidiReactor {
 public:
  Stream(StreamServer& server, StreamId id) : server_(server), id_(id) {}

  // REQUIRES (all of the group): the server's mutex is held.
  void Read() { StartRead(&incoming_); }
  void Push(std::string message) {
    if (finishing_) return;
    queue_.push_back(std::move(message));
    WriteNext();
  }
  void End(const grpc::Status& status) {
    if (std::exchange(finishing_, true)) return;
    status_ = status;
    if (queue_.empty()) FinishOnce();
  }

  void OnReadDone(bool ok) override {
    xds::CalledByGrpc(this);
    if (!ok) {
      // The peer has closed its half or is gone; either way it hears no more.
      if (!server_.events_.outlast_half_close) Abandon();
      return;
    }
    server_.events_.on_message(id_, TextOf(incoming_));
    incoming_.Clear();
    std::lock_guard<std::mutex> lock(server_.mutex_);
    if (!finished_) Read();
  }

  void OnWriteDone(bool ok) override {
    xds::CalledByGrpc(this);
    std::lock_guard<std::mutex> lock(server_.mutex_);
    writing_ = false;
    queue_.pop_front();
    if (!ok) {
      finishing_ = true;
      queue_.clear();
    }
    if (!queue_.empty()) {
      WriteNext();
    } else if (finishing_) {
      FinishOnce();
    }
  }

  void OnCancel() override {
    xds::CalledByGrpc(this);
    if (server_.events_.outlast_half_close) Abandon();
  }

  void OnDone() override {
    xds::CalledByGrpc(this);
    server_.events_.on_closed(id_);
    std::unique_ptr<Stream> self;  // Destroyed after the lock is released.
    std::lock_guard<std::mutex> lock(server_.mutex_);
    self = std::move(server_.open_[id_]);
    server_.open_.erase(id_);
  }

 private:
  void Abandon() {
    std::lock_guard<std::mutex> lock(server_.mutex_);
    finishing_ = true;
    queue_.resize(writing_ ? 1 : 0);
    if (!writing_) FinishOnce();
  }

  void WriteNext() {
    if (writing_) return;
    writing_ = true;
    const grpc::Slice slice(queue_.front());
    outgoing_ = grpc::ByteBuffer(&slice, 1);
    StartWrite(&outgoing_);
  }

  void FinishOnce() {
    if (!std::exchange(finished_, true)) grpc::ServerGenericBidiReactor::Finish(status_);
  }

  StreamServer& server_;
  const StreamId id_;
  grpc::ByteBuffer incoming_;
  grpc::ByteBuffer outgoing_;
  std::deque<std::string> queue_;  // The front is being written while writing_.
  bool writing_ = false;
  bool finishing_ = false;  // No more messages are taken.
  bool finished_ = false;
  grpc::Status status_;
};

class StreamServer::Service final : public grpc::CallbackGenericService {
 public:
  explicit Service(StreamServer& server) : server_(server) {}

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    xds::CalledByGrpc(&server_);
    Stream* stream = nullptr;
    StreamId id = 0;
    {
      std::lock_guard<std::mutex> lock(server_.mutex_);
      id = server_.next_id_++;
      auto made = std::make_unique<Stream>(server_, id);
      stream = made.get();
      xds::HandToGrpc(stream);
      server_.open_[id] = std::move(made);
    }
    const bool served = server_.events_.on_open(id, context->method());
    std::lock_guard<std::mutex> lock(server_.mutex_);
    if (served) {
      stream->Read();
    } else {
      stream->End(grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "no such method"));
    }
    return stream;
  }

 private:
  StreamServer& server_;
};

StreamServer::StreamServer(Events events) : events_(std::move(events)) {}

StreamServer::~StreamServer() { Stop(); }

absl::Status StreamServer::Start(const std::string& address) {
  service_ = std::make_unique<Service>(*this);
  xds::HandToGrpc(this);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  builder.RegisterCallbackGenericService(service_.get());
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(-1);
  // Two servers on one port would split the streams between them; better to be told.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port == 0) {
    server_.reset();
    return absl::UnavailableError(absl::StrCat("cannot listen on ", address));
  }
  address_ = absl::StartsWith(address, "unix")
                 ? address
                 : absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
  return absl::OkStatus();
}

void StreamServer::Stop() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
  service_.reset();
}

void StreamServer::Send(StreamId stream, std::string message) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = open_.find(stream);
  if (found != open_.end()) found->second->Push(std::move(message));
}

void StreamServer::Finish(StreamId stream, const absl::Status& status) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = open_.find(stream);
  if (found == open_.end()) return;
  found->second->End(grpc::Status(static_cast<grpc::StatusCode>(status.raw_code()),
                                  std::string(status.message())));
}

std::vector<StreamId> StreamServer::streams() const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<StreamId> ids;
  for (const auto& [id, stream] : open_) ids.push_back(id);
  return ids;
}

}  // namespace proxenos::xds_server
