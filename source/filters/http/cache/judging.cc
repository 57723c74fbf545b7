// Judging responses and updates.
#include "source/filters/http/cache/judging.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "source/cache/conditions.h"
#include "source/cache/vary.h"
#include "source/filters/http/cache/shared_store.h"

namespace proxenos::filters::cache {

using http::HeaderId;
using store::StoreVerdict;

namespace {

constexpr size_t kMaxTags = 64;

// Tags are apart by blanks (Surrogate-Key) or commas (Cache-Tag).
std::vector<std::string> TagsOf(const std::vector<std::string>& fields,
                                const http::HeaderMap& headers) {
  std::vector<std::string> tags;
  for (const std::string& field : fields) {
    for (const http::Header& header : headers) {
      if (header.name() != field) continue;
      for (const absl::string_view tag :
           absl::StrSplit(header.value(), absl::ByAnyChar(", \t"), absl::SkipEmpty())) {
        if (tags.size() < kMaxTags) tags.emplace_back(tag);
      }
    }
  }
  return tags;
}

bool MayVary(const Settings& settings, const store::VaryFields& vary) {
  if (!vary.usable) return false;
  // The host is in the key or nowhere: the fields of a request do not have it.
  if (settings.key.without_host &&
      std::find(vary.names.begin(), vary.names.end(), "host") != vary.names.end()) {
    return false;
  }
  if (settings.any_vary) return true;
  return std::all_of(vary.names.begin(), vary.names.end(), [&](const std::string& name) {
    return std::any_of(settings.vary.begin(), settings.vary.end(),
                       [&name](const match::StringMatcher& one) { return one.Matches(name); });
  });
}

// Whether an update is that of another response than the one that is stored (RFC 9111, section
// 4.3.4): by the tags, or where it has none by Last-Modified.
bool IsOfAnother(const store::Validators& update, const store::Validators& stored) {
  if (!update.etag.empty()) {
    return !stored.etag.empty() && !store::WeakMatch(update.etag, stored.etag);
  }
  return update.last_modified && stored.last_modified &&
         *update.last_modified != *stored.last_modified;
}

}  // namespace

uint64_t MaxBodyBytes(const Settings& settings) {
  return std::min(settings.max_body_bytes, settings.store->memory.max_response_bytes());
}

bool IsError(uint16_t status) {
  return status == 500 || status == 502 || status == 503 || status == 504;
}

store::StoredResponse Select(const store::Variants& variants, const store::Key& key,
                             const http::HeaderMap& request) {
  const std::vector<std::string>* names = nullptr;
  std::string values;
  for (const store::StoredResponse& one : variants) {
    if (one.head->extra != key.extra()) continue;
    if (one.head->vary.empty()) return one;
    if (names == nullptr || *names != one.head->vary) {
      names = &one.head->vary;
      values = store::SelectingValues(*names, request);
    }
    if (values == one.head->selecting) return one;
  }
  return {};
}

Made MakeHead(const Settings& settings, const store::Key& key, const Seen& seen,
              const http::ResponseHead& head, base::WallTime now) {
  const store::Judgement judgement = store::JudgeResponse(head, seen.facts, settings.policy(), now);
  if (judgement.verdict != StoreVerdict::kStore) return {judgement.verdict, nullptr};
  store::VaryFields vary = store::ReadVary(head.headers);
  if (!MayVary(settings, vary)) return {StoreVerdict::kVary, nullptr};
  if (head.framing.kind == http::Framing::kLength && head.framing.length > MaxBodyBytes(settings)) {
    return {StoreVerdict::kTooLarge, nullptr};
  }
  auto made = std::make_unique<store::StoredHead>();
  made->policy = judgement.policy;
  made->status = head.status;
  made->selecting = store::SelectingValues(vary.names, seen.headers);
  made->vary = std::move(vary.names);
  made->extra = key.extra();
  made->tags = TagsOf(settings.tag_fields, head.headers);
  store::HeadBuilder builder;
  builder.Add(head.headers, judgement.withheld);
  builder.Finish(now / kWallSecond, *made);
  return {StoreVerdict::kStore, std::move(made)};
}

std::optional<store::ContentRange> ContentRangeOf(const http::ResponseHead& head) {
  const http::Header* field = head.status == 206 ? head.headers.Find("content-range") : nullptr;
  return field == nullptr ? std::nullopt : store::ReadContentRange(field->value());
}

Made MakeHeadOfWhole(const Settings& settings, const store::Key& key, const Seen& seen,
                     const http::ResponseHead& part, base::WallTime now) {
  const uint64_t length = ContentRangeOf(part)->length;
  buffer::Arena arena;
  http::ResponseHead whole(arena);
  whole.status = 200;
  whole.framing = {http::Framing::kLength, length};
  for (const http::Header& field : part.headers) {
    if (field.id == HeaderId::kContentLength || field.name() == "content-range") continue;
    whole.headers.AddView(field.id, field.name(), field.value());
  }
  whole.headers.Add(HeaderId::kContentLength, absl::StrCat(length));
  return MakeHead(settings, key, seen, whole, now);
}

Freshened Freshen(const Settings& settings, const store::StoredHead& old, const Seen& seen,
                  const http::HeaderMap& headers, base::WallTime now) {
  using Fate = Freshened::Fate;
  if (IsOfAnother(store::ValidatorsOf(headers, now / kWallSecond), old.validators)) return {};
  store::StoredHead updated;
  store::HeadBuilder builder;
  builder.Update(old, headers, {});
  builder.Finish(now / kWallSecond, updated);
  buffer::Arena arena;
  http::ResponseHead merged(arena);
  merged.status = old.status;
  for (const http::Header& field : updated.fields()) {
    merged.headers.AddView(field.id, field.name(), field.value());
  }
  if (const http::Header* age = headers.Find(HeaderId::kAge)) {
    merged.headers.AddView(age->id, age->name(), age->value());
  }
  const store::Judgement judgement =
      store::JudgeResponse(merged, seen.facts, settings.policy(), now);
  auto made = std::make_unique<store::StoredHead>();
  made->policy = judgement.policy;
  store::HeadBuilder kept;
  kept.Update(old, headers, judgement.withheld);
  kept.Finish(now / kWallSecond, *made);
  made->status = old.status;
  made->extra = old.extra;
  store::VaryFields vary = store::ReadVary(merged.headers);
  Freshened fresh{Fate::kUpdated, judgement.verdict, nullptr};
  if (fresh.verdict == StoreVerdict::kStore && !MayVary(settings, vary)) {
    fresh.verdict = StoreVerdict::kVary;
  }
  made->selecting = store::SelectingValues(vary.names, seen.headers);
  made->vary = std::move(vary.names);
  made->tags = TagsOf(settings.tag_fields, merged.headers);
  if (fresh.verdict == StoreVerdict::kAuthorization) {
    fresh.fate = Fate::kLeft;
  } else if (fresh.verdict != StoreVerdict::kStore) {
    fresh.fate = Fate::kForgotten;
    made->policy.lifetime = 0;
  }
  fresh.head = std::move(made);
  return fresh;
}

store::StoredResponse TakeFreshened(const Settings& settings, SharedStore* shared,
                                    const store::Key& key, const store::StoredResponse& old,
                                    Freshened fresh) {
  if (fresh.head == nullptr) return old;
  store::NamedStore& named = *settings.store.operator->();
  const store::StoredResponse updated{std::move(fresh.head), old.body};
  if (fresh.fate == Freshened::Fate::kUpdated) {
    UpdateEverywhere(named, shared, key, old.head.get(), updated);
  } else if (fresh.fate == Freshened::Fate::kForgotten) {
    ForgetEverywhere(named, shared, key);
  }
  return updated;
}

bool IsOfClient(HeaderId id) {
  return id == HeaderId::kRange || id == HeaderId::kIfRange || id == HeaderId::kIfNoneMatch ||
         id == HeaderId::kIfModifiedSince || id == HeaderId::kContentLength;
}

void AddValidators(const store::StoredHead& stored, http::HeaderMap& request) {
  // Range too: an answer that is no 304 is to be stored whole.
  for (const HeaderId id :
       {HeaderId::kIfNoneMatch, HeaderId::kIfModifiedSince, HeaderId::kRange, HeaderId::kIfRange}) {
    request.Remove(id);
  }
  const store::Validators& known = stored.validators;
  if (!known.etag.empty()) request.Add(HeaderId::kIfNoneMatch, known.etag);
  for (const http::Header& field : stored.fields()) {
    if (field.id != HeaderId::kLastModified || !known.last_modified) continue;
    request.Add(HeaderId::kIfModifiedSince, field.value());
    return;
  }
}

}  // namespace proxenos::filters::cache
