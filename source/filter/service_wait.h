// AskService: a network filter's question to a gRPC service, and the connection's wait for it.
#pragma once

#include <string>

#include "absl/functional/any_invocable.h"
#include "source/filter/network_filter.h"
#include "source/rpc/service.h"

namespace proxenos::filter {

// What an answer's bytes mean for the connection; nullptr: there is none, for whatever reason.
using JudgeAnswer = absl::AnyInvocable<NetworkVerdict(const std::string*, NetworkConnection&)>;

// A verdict that waits for `judge`, or its own at once where nobody knows the service's cluster.
// `active` counts the questions under way. `service`, `active` and what `judge` refers to outlive
// the connection. Thread: the worker's.
NetworkVerdict AskService(NetworkConnection& connection, const rpc::GrpcService& service,
                          const std::string& question, stats::Gauge& active, JudgeAnswer judge);

}  // namespace proxenos::filter
