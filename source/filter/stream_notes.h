// What filters of one stream leave to each other, to matchers and to access logs: dynamic metadata,
// which is JSON by namespace, and filter state, which is text by name.
//
// Most streams have neither, so each is one null pointer until something is written.
// Owner: StreamInfo. Thread: the stream's worker.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "source/json/value.h"

namespace proxenos::filter {

// core.v3.Metadata.filter_metadata, of this stream.
class DynamicMetadata {
 public:
  bool empty() const { return spaces_ == nullptr; }
  // By namespace; null: nothing was written.
  const json::Object* all() const { return spaces_.get(); }
  const json::Object* Find(absl::string_view space) const {
    if (spaces_ == nullptr) return nullptr;
    const auto it = spaces_->find(space);
    return it == spaces_->end() ? nullptr : it->second.object();
  }
  // The value at `path` within a namespace (the whole of it when that is empty), or null.
  const json::Value* Find(absl::string_view space, const std::vector<std::string>& path) const {
    if (spaces_ == nullptr) return nullptr;
    const auto it = spaces_->find(space);
    if (it == spaces_->end() || path.empty()) return it == spaces_->end() ? nullptr : &it->second;
    return json::FindPath(*it->second.object(), path);
  }
  // Sets each of `values`, in the place of what the namespace had under the same name.
  void Merge(absl::string_view space, json::Object values) {
    json::Object& own = Open(space);
    for (auto& [name, value] : values) own.insert_or_assign(name, std::move(value));
  }
  void Set(absl::string_view space, std::string name, json::Value value) {
    Open(space).insert_or_assign(std::move(name), std::move(value));
  }
  // Each namespace of `other` by Merge.
  void MergeAll(const DynamicMetadata& other) {
    if (other.spaces_ == nullptr) return;
    for (const auto& [space, values] : *other.spaces_) Merge(space, *values.object());
  }
  DynamicMetadata Copy() const {
    DynamicMetadata copy;
    if (spaces_ != nullptr) copy.spaces_ = std::make_unique<json::Object>(*spaces_);
    return copy;
  }
  // The values of a namespace, to be changed.
  json::Object& Open(absl::string_view space) {
    if (spaces_ == nullptr) spaces_ = std::make_unique<json::Object>();
    auto it = spaces_->find(space);
    if (it == spaces_->end()) {
      it = spaces_->emplace(std::string(space), json::Value(json::Object())).first;
    }
    return *it->second.object();
  }

 private:
  std::unique_ptr<json::Object> spaces_;  // Every value is an object.
};

class FilterState {
 public:
  // Null when nobody set it.
  const std::string* Find(absl::string_view name) const {
    if (values_ == nullptr) return nullptr;
    const auto it = values_->find(name);
    return it == values_->end() ? nullptr : &it->second;
  }
  void Set(absl::string_view name, std::string value) {
    if (values_ == nullptr) values_ = std::make_unique<Map>();
    (*values_)[name] = std::move(value);
  }
  FilterState Copy() const {
    FilterState copy;
    if (values_ != nullptr) copy.values_ = std::make_unique<Map>(*values_);
    return copy;
  }

 private:
  using Map = absl::flat_hash_map<std::string, std::string>;
  std::unique_ptr<Map> values_;
};

}  // namespace proxenos::filter
