// Events of a call to events of a stream.
#include "source/xds/cluster_stream.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace proxenos::xds {
namespace {

rpc::CallOptions OptionsOf(const GrpcTarget& target, const std::string& method) {
  rpc::CallOptions options;
  options.path = method;
  options.authority = target.authority;
  options.max_message_bytes = target.max_message_bytes;
  for (const auto& [name, value] : target.metadata) {
    options.metadata.emplace_back(name,
                                  absl::EndsWith(name, "-bin") ? absl::Base64Escape(value) : value);
  }
  return options;
}

}  // namespace

ClusterStream::ClusterStream(event::EventLoop& loop, const FindCluster& find_cluster,
                             const GrpcTarget& target, const std::string& method, Events events)
    : loop_(loop),
      find_cluster_(find_cluster),
      cluster_(target.cluster),
      options_(OptionsOf(target, method)),
      events_(std::move(events)) {
  loop_.Schedule(this);
}

void ClusterStream::Send(const google::protobuf::MessageLite& message) {
  sending_ = true;
  std::string bytes = message.SerializeAsString();
  if (call_.has_value()) {
    call_->Send(bytes);
  } else {
    first_ = std::move(bytes);
  }
}

void ClusterStream::Close() {
  open_ = false;
  call_.reset();
}

void ClusterStream::Resume() {
  if (std::exchange(paused_, false)) loop_.Schedule(this);
}

void ClusterStream::Run() {
  if (!open_) return;
  if (call_.has_value()) return OnProgress();
  base::Rc<upstream::WorkerCluster> cluster = find_cluster_(cluster_);
  if (!cluster) {
    events_.on_closed(absl::UnavailableError(absl::StrCat("cluster ", cluster_, " is not there")));
    return;
  }
  call_.emplace(std::move(cluster), options_, [this] { OnProgress(); });
  if (sending_) call_->Send(first_);
  first_.clear();
}

// Whoever is told may close the stream.
void ClusterStream::OnProgress() {
  if (!connected_ && call_->head() != nullptr) {
    connected_ = true;
    events_.on_connected();
  }
  if (open_ && sending_ && call_->unsent_bytes() == 0 && !call_->done()) {
    sending_ = false;
    events_.on_sent();
  }
  if (!open_) return;
  if (!paused_) {
    std::optional<buffer::Buffer> message = call_->Receive();
    if (message.has_value()) events_.on_message(message->ToString());
  }
  if (!open_ || !call_->done()) return;
  open_ = false;
  events_.on_closed(
      absl::Status(static_cast<absl::StatusCode>(call_->status()), call_->error_message()));
}

}  // namespace proxenos::xds
