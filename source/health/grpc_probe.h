// GrpcProbe: grpc.health.v1.Health/Check: HealthCheck.GrpcHealthCheck.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "source/health/probe.h"
#include "source/rpc/call.h"

namespace proxenos::health {

class GrpcProbe final : public Probe {
 public:
  GrpcProbe(const upstream::HealthCheck& check, CheckCluster& cluster,
            std::shared_ptr<const upstream::Host> target, std::string authority, OnDone on_done);
  ~GrpcProbe() override;

  void Start() override;
  void GiveUp() override;

 private:
  void OnProgress();

  const upstream::GrpcCheck& check_;
  CheckCluster& cluster_;
  const std::shared_ptr<const upstream::Host> target_;
  const base::Nanos timeout_;
  const std::string authority_;
  std::string question_;
  std::optional<bool> serving_;  // What the answer says; none before it came.
  bool several_ = false;         // It sent more than one.
  std::unique_ptr<rpc::Call> call_;
};

// Whether a grpc.health.v1.HealthCheckResponse says SERVING.
bool SaysServing(absl::string_view message);

}  // namespace proxenos::health
