// gRPC's callback API on one side, the event loop on the other.
#include "source/xds/grpc_stream.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <utility>

#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/client_callback.h"
#include "source/base/check.h"
#include "source/xds/grpc_order.h"

namespace proxenos::xds {
namespace {

// A half-open connection is found after this long without a sign of life. Servers built on gRPC
// refuse pings more often than every five minutes.
constexpr int kKeepaliveMs = 310 * 1000;
constexpr int kKeepaliveTimeoutMs = 20 * 1000;

grpc::ChannelArguments ArgumentsOf(const GrpcTarget& target) {
  grpc::ChannelArguments arguments;
  // Of two with one name gRPC takes the first: what the configuration says goes before the rest.
  for (const auto& [name, value] : target.channel_args) {
    if (const int* number = std::get_if<int>(&value)) {
      arguments.SetInt(name, *number);
    } else {
      arguments.SetString(name, std::get<std::string>(value));
    }
  }
  arguments.SetMaxReceiveMessageSize(static_cast<int>(target.max_message_bytes));
  arguments.SetMaxSendMessageSize(static_cast<int>(target.max_message_bytes));
  // The pause between attempts is ours; gRPC's own would only be added to it.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);  // Bounds the connect itself.
  // One connection for each stream, so that an attempt never meets the failure of an earlier one.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  if (!target.authority.empty()) {
    arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, target.authority);
    if (target.tls) arguments.SetSslTargetNameOverride(target.authority);
  }
  return arguments;
}

std::shared_ptr<grpc::ChannelCredentials> ChannelCredentialsOf(const GrpcTarget& target) {
  if (target.google_default) return grpc::GoogleDefaultCredentials();
  if (target.local) {
    const bool path = target.uris[0].rfind("unix", 0) == 0;
    return grpc::experimental::LocalCredentials(path ? UDS : LOCAL_TCP);
  }
  if (!target.tls) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = target.tls_roots;
  options.pem_private_key = target.tls_key;
  options.pem_cert_chain = target.tls_chain;
  return grpc::SslCredentials(options);
}

std::shared_ptr<grpc::CallCredentials> CallCredentialsOf(const CallCredential& credential) {
  switch (credential.kind) {
    case CallCredential::Kind::kAccessToken:
      return grpc::AccessTokenCredentials(credential.text);
    case CallCredential::Kind::kComputeEngine:
      return grpc::GoogleComputeEngineCredentials();
    case CallCredential::Kind::kRefreshToken:
      return grpc::GoogleRefreshTokenCredentials(credential.text);
    case CallCredential::Kind::kServiceAccount:
      return grpc::ServiceAccountJWTAccessCredentials(credential.text, credential.lifetime_s);
    case CallCredential::Kind::kIam:
      return grpc::GoogleIAMCredentials(credential.text, credential.selector);
  }
  return nullptr;
}

// A channel without credentials where the given ones are no good: its calls fail and say so.
std::shared_ptr<grpc::ChannelCredentials> CredentialsOf(const GrpcTarget& target) {
  std::shared_ptr<grpc::ChannelCredentials> channel = ChannelCredentialsOf(target);
  for (const CallCredential& credential : target.call_credentials) {
    const std::shared_ptr<grpc::CallCredentials> call = CallCredentialsOf(credential);
    if (call == nullptr || channel == nullptr) return nullptr;
    channel = grpc::CompositeChannelCredentials(channel, call);
  }
  return channel;
}

absl::Status StatusOf(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace

// The reactor. gRPC's threads call its On… functions; everything they touch is under mutex_.
//
// A hold keeps OnDone back until the loop has seen that there is no more to read, for the loop
// starts operations and must not do so on a call that is over. A write may fail long before that:
// gRPC does not end a call whose messages were not all read.
class GrpcStream::Call final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  // What came since the last look.
  struct News {
    bool connected = false;
    bool message = false;
    bool sent = false;
    bool read_failed = false;
    bool write_failed = false;
    bool done = false;
  };

  Call(int wake_fd, const GrpcTarget& target, const std::string& method, size_t attempt)
      : wake_fd_(wake_fd),
        stub_(grpc::CreateCustomChannel(target.uris[attempt % target.uris.size()],
                                        CredentialsOf(target), ArgumentsOf(target))) {
    for (const auto& [name, value] : target.metadata) context_.AddMetadata(name, value);
    stub_.PrepareBidiStreamingCall(&context_, method, grpc::StubOptions(), this);
    AddHold();
    HandToGrpc(this);
    StartRead(&incoming_);
    StartCall();
  }

  ~Call() override {
    context_.TryCancel();
    ReleaseHold();
    std::unique_lock<std::mutex> lock(mutex_);
    done_changed_.wait(lock, [this] { return done_; });
  }

  News TakeNews() {
    std::lock_guard<std::mutex> lock(mutex_);
    News news = std::exchange(news_, News());
    news.done = done_;
    return news;
  }

  // REQUIRES: news().message was told and not yet answered by ReadNext().
  absl::Status ReadMessage(std::string& out) {
    std::vector<grpc::Slice> slices;
    const grpc::Status status = incoming_.Dump(&slices);
    if (!status.ok()) return StatusOf(status);
    out.clear();
    out.reserve(incoming_.Length());
    for (const grpc::Slice& slice : slices) {
      out.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
    incoming_.Clear();
    return absl::OkStatus();
  }

  void ReadNext() { StartRead(&incoming_); }

  void Write(const google::protobuf::MessageLite& message) {
    const grpc::Slice slice(message.SerializeAsString());
    outgoing_ = grpc::ByteBuffer(&slice, 1);
    StartWrite(&outgoing_);
  }

  void ReleaseHold() {
    if (std::exchange(held_, false)) RemoveHold();
  }

  void Cancel() { context_.TryCancel(); }

  // REQUIRES: news().done was told.
  absl::Status status() {
    std::lock_guard<std::mutex> lock(mutex_);
    return StatusOf(status_);
  }

  // gRPC's threads.
  void OnReadInitialMetadataDone(bool ok) override {
    Tell([ok](News& news) { news.connected = ok; });
  }
  void OnReadDone(bool ok) override {
    Tell([ok](News& news) { (ok ? news.message : news.read_failed) = true; });
  }
  void OnWriteDone(bool ok) override {
    Tell([ok](News& news) { (ok ? news.sent : news.write_failed) = true; });
  }
  void OnDone(const grpc::Status& status) override {
    CalledByGrpc(this);
    std::lock_guard<std::mutex> lock(mutex_);
    status_ = status;
    done_ = true;
    Wake();
    done_changed_.notify_one();  // The last touch of this object by gRPC's threads.
  }

 private:
  template <typename Change>
  void Tell(Change change) {
    CalledByGrpc(this);
    std::lock_guard<std::mutex> lock(mutex_);
    change(news_);
    Wake();
  }

  void Wake() {
    const uint64_t one = 1;
    CHECK(write(wake_fd_, &one, sizeof(one)) == sizeof(one));
  }

  const int wake_fd_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  bool held_ = true;  // The loop's.

  // gRPC's between the start of an operation and its news, the loop's otherwise.
  grpc::ByteBuffer incoming_;
  grpc::ByteBuffer outgoing_;

  std::mutex mutex_;
  std::condition_variable done_changed_;
  News news_;            // Guarded by mutex_.
  bool done_ = false;    // Guarded by mutex_.
  grpc::Status status_;  // Guarded by mutex_.
};

GrpcStream::GrpcStream(event::EventLoop& loop, const GrpcTarget& target, const std::string& method,
                       size_t attempt, Events events)
    : loop_(loop), events_(std::move(events)), wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  CHECK(wake_fd_ >= 0);
  CHECK(!target.uris.empty());
  loop_.WatchLevel(wake_fd_, EPOLLIN, this);
  call_ = std::make_unique<Call>(wake_fd_, target, method, attempt);
}

GrpcStream::~GrpcStream() {
  Close();
  call_.reset();
  close(wake_fd_);
}

void GrpcStream::Close() {
  if (!std::exchange(open_, false)) return;
  loop_.Unwatch(wake_fd_);
  call_->Cancel();
}

void GrpcStream::Send(const google::protobuf::MessageLite& message) {
  DCHECK(!sending_);
  sending_ = true;
  if (!open_ || over_ || unwritable_) return;
  call_->Write(message);
}

void GrpcStream::Resume() {
  paused_ = false;
  if (std::exchange(unread_, false) && open_ && !over_) call_->ReadNext();
}

void GrpcStream::OnIo(uint32_t) {
  if (!open_) return;
  uint64_t count;
  [[maybe_unused]] const ssize_t ignored = read(wake_fd_, &count, sizeof(count));
  const Call::News news = call_->TakeNews();
  over_ |= news.read_failed;
  unwritable_ |= news.write_failed;
  if ((news.connected || news.sent || news.message) && !std::exchange(connected_, true)) {
    events_.on_connected();
  }
  if (open_ && news.message) {
    std::string message;
    const absl::Status read_status = call_->ReadMessage(message);
    if (!read_status.ok()) {
      call_->Cancel();
    } else {
      events_.on_message(std::move(message));
    }
    unread_ = true;
    if (!paused_) Resume();
  }
  if (open_ && news.sent && !over_ && !unwritable_) {
    sending_ = false;
    events_.on_sent();
  }
  if (open_ && over_) call_->ReleaseHold();
  if (open_ && news.done) {
    Close();
    events_.on_closed(call_->status());
  }
}

}  // namespace proxenos::xds
