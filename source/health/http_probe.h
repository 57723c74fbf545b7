// HttpProbe: asks for a path and judges the status, some fields, and what the body begins with:
// HealthCheck.HttpHealthCheck.
#pragma once

#include <memory>
#include <string>

#include "source/buffer/arena.h"
#include "source/event/event_loop.h"
#include "source/health/probe.h"
#include "source/http/message.h"

namespace proxenos::health {

class HttpProbe final : public Probe, private event::Runnable {
 public:
  HttpProbe(const upstream::HealthCheck& check, CheckCluster& cluster,
            std::shared_ptr<const upstream::Host> target, std::string host_name, OnDone on_done);
  ~HttpProbe() override;

  void Start() override;
  void GiveUp() override;

 private:
  struct Question;

  void Run() override;
  void FillHead(http::RequestHead& head) const;
  void SendRequest();
  void TakeBody();
  ProbeResult Judge() const;

  const upstream::HttpCheck& check_;
  CheckCluster& cluster_;
  const std::shared_ptr<const upstream::Host> target_;
  const std::string host_name_;
  std::unique_ptr<Question> question_;  // Null: none is under way.
};

}  // namespace proxenos::health
