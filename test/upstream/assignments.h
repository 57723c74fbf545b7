// Short ways to write assignments in tests.
#pragma once

#include <algorithm>
#include <memory>
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

// Equal by value also where memory is shared.
template <class T>
bool SameValue(const std::shared_ptr<const T>& a, const std::shared_ptr<const T>& b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

inline bool SameEndpoint(Endpoint a, Endpoint b) {
  const bool same = SameValue(a.check, b.check) && SameValue(a.metadata, b.metadata);
  a.check = b.check = nullptr;
  a.metadata = b.metadata = nullptr;
  return same && a == b;
}

inline bool SameAssignment(const Assignment& a, const Assignment& b) {
  return a.overprovisioning_percent == b.overprovisioning_percent &&
         a.drop_overload == b.drop_overload &&
         std::equal(a.localities.begin(), a.localities.end(), b.localities.begin(),
                    b.localities.end(), [](const LocalityEndpoints& x, const LocalityEndpoints& y) {
                      return x.locality == y.locality && x.weight == y.weight &&
                             x.priority == y.priority &&
                             std::equal(x.endpoints.begin(), x.endpoints.end(), y.endpoints.begin(),
                                        y.endpoints.end(), SameEndpoint);
                    });
}

}  // namespace proxenos::upstream::testing
