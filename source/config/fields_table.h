// The table behind CheckFields, and the words it is written in. Internal to this folder.
//
// A block says which fields of one message type proxenos honours. A block named by a field instead
// ("envoy.config.cluster.v3.Cluster.http_protocol_options") holds for the message in that field and
// takes the place of its type's block there. A typed_config is accepted when the type inside has a
// block. What no row names is rejected.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "source/config/fields.h"

namespace proxenos::config {

struct FieldRule {
  // Field names with spaces between; "*" for all of a message.
  std::string_view names;
  FieldRow::Verdict verdict = FieldRow::Verdict::kHonoured;
  // Why it may be left aside, or what to write instead.
  std::string_view note = {};
  // With spaces between, the only values honoured: enum names, true and false, numbers, text, and
  // "{}" for a message in which nothing is set. Empty: all values.
  std::string_view only = {};
  // The most elements of a list that are honoured.
  size_t at_most = static_cast<size_t>(-1);

  constexpr FieldRule Only(std::string_view values, std::string_view why = {}) const {
    FieldRule rule = *this;
    rule.only = values;
    if (!why.empty()) rule.note = why;
    return rule;
  }
  constexpr FieldRule AtMost(size_t count, std::string_view why = {}) const {
    FieldRule rule = *this;
    rule.at_most = count;
    if (!why.empty()) rule.note = why;
    return rule;
  }
};

// Honoured.
constexpr FieldRule Use(std::string_view names) { return {names}; }
// Accepted and without effect; `reason` says why nobody sees a difference.
constexpr FieldRule Leave(std::string_view names, std::string_view reason) {
  return {names, FieldRow::Verdict::kIgnored, reason};
}
// Rejected with a hint what to write instead, or what is missing.
constexpr FieldRule Refuse(std::string_view names, std::string_view hint) {
  return {names, FieldRow::Verdict::kRejected, hint};
}

struct MessageRules {
  std::string_view name;
  std::vector<FieldRule> rules;
};

// Of lists of upstream HTTP filters, which a cluster and the router have.
inline constexpr std::string_view kNoUpstreamDiscovery =
    "is not implemented for upstream filters: write typed_config";

// The parts of the table, each in its own file.
std::vector<MessageRules> AccessFields();
std::vector<MessageRules> AuthFields();
std::vector<MessageRules> BodyFields();
std::vector<MessageRules> BootstrapFields();
std::vector<MessageRules> CelFields();
std::vector<MessageRules> ClusterFields();
std::vector<MessageRules> CoreFields();
std::vector<MessageRules> FilterFields();
std::vector<MessageRules> HealthFields();
std::vector<MessageRules> ListenerFields();
std::vector<MessageRules> LogFields();
std::vector<MessageRules> NetworkFields();
std::vector<MessageRules> RouteFields();
std::vector<MessageRules> TlsFields();
std::vector<MessageRules> TracingFields();
std::vector<MessageRules> LuaFields();
std::vector<MessageRules> UdpFields();
std::vector<MessageRules> WafFields();

// All of them, made once.
const std::vector<MessageRules>& FieldsTable();

// The next name of a list with spaces between; empty at the end.
std::string_view NextName(std::string_view& names);

}  // namespace proxenos::config
