// Merging of values.
#include "source/filters/http/set_metadata/filter.h"

namespace proxenos::filters::set_metadata {
namespace {

// Objects are merged, lists joined, all else replaced. How deep is bounded by the configuration.
void Update(json::Object& into, const json::Object& from) {
  for (const auto& [name, value] : from) {
    const auto [it, added] = into.try_emplace(name, value);
    if (added) continue;
    if (it->second.object() != nullptr && value.object() != nullptr) {
      Update(*it->second.object(), *value.object());
    } else if (it->second.list() != nullptr && value.list() != nullptr) {
      json::List joined = *it->second.list();
      joined.insert(joined.end(), value.list()->begin(), value.list()->end());
      it->second = json::Value(std::move(joined));
    } else {
      it->second = value;
    }
  }
}

}  // namespace

filter::Verdict SetMetadata::OnRequestHeaders(http::RequestHead&, bool) {
  for (const Entry& entry : entries_) {
    const bool there = stream_.info.metadata.Find(entry.space) != nullptr;
    if (there && !entry.overwrite) continue;
    Update(stream_.info.metadata.Open(entry.space), entry.values);
  }
  return filter::Verdict::kContinue;
}

}  // namespace proxenos::filters::set_metadata
