// Ask, read, wait.
#include "source/xds/rest_source.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "source/base/log.h"
#include "source/buffer/buffer.h"
#include "source/config/text.h"
#include "source/xds/grpc_target.h"

namespace proxenos::xds {

RestSource::RestSource(event::EventLoop& loop, RestSourceOptions options,
                       SubscriptionOptions subscription, ApplyUpdate apply)
    : loop_(loop),
      options_(std::move(options)),
      subscription_(loop.timers(), std::move(subscription), std::move(apply)),
      refresh_timer_(loop.timers(), [this] { loop_.Schedule(this); }) {
  // Other names do not wait for the next turn.
  subscription_.OnRequestDue([this] {
    if (started_) loop_.Schedule(this);
  });
}

void RestSource::Start() {
  started_ = true;
  loop_.Schedule(this);
}

void RestSource::Run() {
  if (call_ != nullptr || !subscription_.wants_anything()) return;
  const std::string& name = options_.clusters[cluster_ % options_.clusters.size()];
  base::Rc<upstream::WorkerCluster> cluster = options_.find_cluster(name);
  if (!cluster) {
    PX_LOG(kConfig, kWarn, "xds: cluster ", name, " is not there");
    subscription_.OnUnreadable();
    return ScheduleNext();
  }
  SotwSubscription::Request request = subscription_.MakePoll();
  *request.mutable_node() = options_.node;
  google::protobuf::util::JsonPrintOptions print;
  print.preserve_proto_field_names = true;
  std::string body;
  if (!google::protobuf::util::MessageToJsonString(request, &body, print).ok()) return;
  const rpc::HttpCall::Limits limits{options_.request_timeout, kMaxMessageBytes};
  call_ = std::make_unique<rpc::HttpCall>(std::move(cluster), limits, [this] { OnAnswer(); });
  http::RequestHead& head = call_->request();
  head.method_text = "POST";
  head.path = subscription_.type().rest_path;
  head.authority = name;
  head.headers.Set(http::HeaderId::kContentType, "application/json");
  buffer::Buffer bytes;
  bytes.Append(body);
  call_->Start(std::move(bytes));
}

void RestSource::OnAnswer() {
  std::unique_ptr<rpc::HttpCall> call = std::move(call_);
  const std::string problem = Read(*call);
  loop_.Retire(std::move(call));
  if (!problem.empty()) {
    PX_LOG(kConfig, kWarn, "xds: ", subscription_.type().rest_path, " of cluster ",
           options_.clusters[cluster_ % options_.clusters.size()], ": ", problem);
    subscription_.OnUnreadable();
    ++cluster_;
  }
  ScheduleNext();
}

std::string RestSource::Read(rpc::HttpCall& call) {
  if (call.end() != rpc::HttpCall::End::kAnswer) return call.error_message();
  constexpr int kOk = 200;
  constexpr int kNotModified = 304;
  if (call.response().status == kNotModified) return "";
  if (call.response().status != kOk) return absl::StrCat("status ", call.response().status);
  SotwSubscription::Response response;
  config::Errors errors;
  config::ParseJson(call.body().ToString(), response, errors);
  if (!errors.ok()) return std::string(errors.ToStatus().message());
  subscription_.OnResponse(response);
  return "";
}

void RestSource::ScheduleNext() {
  // Up to twice the delay, as in Envoy, so that a fleet does not ask in step.
  const auto delay = static_cast<uint64_t>(options_.refresh_delay);
  refresh_timer_.ArmIn(static_cast<base::Nanos>(delay + loop_.random().Below(delay)));
}

}  // namespace proxenos::xds
