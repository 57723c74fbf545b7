// Attributes out of a table, for tests of expressions.
#pragma once

#include <map>
#include <utility>

#include "source/cel/attribute.h"

namespace proxenos::cel {

class TableAttributes final : public Attributes {
 public:
  TableAttributes() {
    json::Object inner;
    inner.emplace("user", json::Value(std::string("ann")));
    inner.emplace("age", json::Value(int64_t{41}));
    json::List roles;
    roles.emplace_back(std::string("admin"));
    roles.emplace_back(std::string("dev"));
    inner.emplace("roles", json::Value(std::move(roles)));
    metadata_.emplace("jwt", json::Value(std::move(inner)));
    values[Attribute::kMetadata] = Value::Json(metadata_);
    values[Attribute::kRequestPath] = Value::String("/a/b?x=1");
    values[Attribute::kRequestQuery] = Value::String({});  // Without so much as an address.
    values[Attribute::kRequestMethod] = Value::String("GET");
    values[Attribute::kRequestSize] = Value::Int(12);
    values[Attribute::kResponseCode] = Value::Int(404);
    values[Attribute::kConnectionMtls] = Value::Bool(true);
    values[Attribute::kConnectionId] = Value::Uint(7);
    values[Attribute::kRequestTime] = Value::Timestamp(absl::FromUnixMillis(1700000000123));
    values[Attribute::kRequestDuration] = Value::Duration(absl::Milliseconds(1500));
  }

  Value Read(Attribute attribute, Memory&) const override {
    const auto it = values.find(attribute);
    return it == values.end() ? Value::Error(kNoSuchAttribute) : it->second;
  }

  std::map<Attribute, Value> values;

 private:
  json::Object metadata_;
};

}  // namespace proxenos::cel
