// Short ways to write assignments in tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "source/base/check.h"
#include "source/upstream/assignment.h"

namespace proxenos::upstream::testing {

inline Endpoint At(const std::string& ip, uint32_t weight = 1) {
  absl::StatusOr<net::Address> address = net::Address::FromIp(ip, 80);
  CHECK(address.ok());
  Endpoint endpoint;
  endpoint.address = *std::move(address);
  endpoint.weight = weight;
  return endpoint;
}

inline LocalityEndpoints InLocality(const std::string& zone, std::vector<Endpoint> endpoints) {
  LocalityEndpoints locality;
  locality.locality.zone = zone;
  locality.endpoints = std::move(endpoints);
  return locality;
}

inline Assignment Of(std::vector<Endpoint> endpoints) {
  Assignment assignment;
  assignment.localities.push_back(InLocality("", std::move(endpoints)));
  return assignment;
}

}  // namespace proxenos::upstream::testing
