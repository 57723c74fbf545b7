// Addresses and health back to the protos they came from, for the pages that show them.
#pragma once

#include "envoy/config/core/v3/address.pb.h"
#include "envoy/config/core/v3/health_check.pb.h"
#include "source/net/address.h"
#include "source/upstream/assignment.h"

namespace proxenos::admin {

void AddressToProto(const net::Address& address, envoy::config::core::v3::Address& proto);
envoy::config::core::v3::HealthStatus HealthToProto(upstream::EndpointHealth health);

}  // namespace proxenos::admin
