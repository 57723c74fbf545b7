// The call under way.
#include "source/filter/service_wait.h"

#include <memory>
#include <optional>
#include <utility>

#include "source/event/event_loop.h"
#include "source/filter/environment.h"
#include "source/rpc/call.h"
#include "source/upstream/cluster_map.h"

namespace proxenos::filter {
namespace {

class ServiceWait final : public NetworkWait {
 public:
  ServiceWait(NetworkConnection& connection, stats::Gauge& active, JudgeAnswer judge)
      : loop_(connection.environment.loop),
        waker_(connection.waker),
        active_(active),
        judge_(std::move(judge)) {
    active_.Inc();
  }
  ~ServiceWait() override { active_.Dec(); }

  void Start(base::Rc<upstream::WorkerCluster> cluster, const rpc::GrpcService& service,
             const std::string& question) {
    call_.emplace(std::move(cluster), service.options, question,
                  [this](rpc::UnaryCall::Result result) { OnDone(std::move(result)); });
  }

  bool over() const override { return over_; }
  NetworkVerdict Take(NetworkConnection& connection) override {
    return judge_(answer_.has_value() ? &*answer_ : nullptr, connection);
  }

 private:
  void OnDone(rpc::UnaryCall::Result result) {
    over_ = true;
    if (result.status == rpc::Status::kOk) answer_ = result.answer.ToString();
    loop_.AtTurnEnd(&waker_);
  }

  event::EventLoop& loop_;
  event::TurnEnd& waker_;
  stats::Gauge& active_;
  JudgeAnswer judge_;
  bool over_ = false;
  std::optional<std::string> answer_;
  std::optional<rpc::UnaryCall> call_;
};

}  // namespace

NetworkVerdict AskService(NetworkConnection& connection, const rpc::GrpcService& service,
                          const std::string& question, stats::Gauge& active, JudgeAnswer judge) {
  base::Rc<upstream::WorkerCluster> cluster = connection.environment.clusters.Find(service.cluster);
  if (!cluster) return judge(nullptr, connection);
  auto wait = std::make_unique<ServiceWait>(connection, active, std::move(judge));
  wait->Start(std::move(cluster), service, question);
  NetworkVerdict verdict;
  verdict.wait = std::move(wait);
  return verdict;
}

}  // namespace proxenos::filter
