// What workers ask the main thread for in the middle of requests, and what it answers.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "source/filter/on_demand.h"

namespace proxenos::server {

// Of a host, `origin` is the name of its route configuration and `name` its authority in lower
// case; of a cluster, `origin` is the serialized ConfigSource that it would come from.
struct Demand {
  enum class Kind : uint8_t { kHost, kCluster };

  Kind kind = Kind::kHost;
  std::string origin;
  std::string name;

  bool operator==(const Demand& other) const {
    return kind == other.kind && origin == other.origin && name == other.name;
  }
  template <typename H>
  friend H AbslHashValue(H h, const Demand& demand) {
    return H::combine(std::move(h), demand.kind, demand.origin, demand.name);
  }
};

// To every worker; those who did not ask pass it over. It comes behind what it speaks of.
struct DemandAnswer {
  Demand demand;
  filter::OnDemand::Outcome outcome;
};

}  // namespace proxenos::server
