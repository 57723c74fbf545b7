// Which buckets a request takes from.
#include "source/filters/http/local_ratelimit/limiter.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"

namespace proxenos::filters::local_ratelimit {
namespace {

// What tells one set of values from another: lengths first, so that no two run together.
std::string KeyOf(const filter::Descriptor& descriptor) {
  std::string key;
  for (const auto& entry : descriptor.entries) {
    absl::StrAppend(&key, entry.value.size(), ":", entry.value);
  }
  return key;
}

}  // namespace

bool DescriptorLimit::Matches(const filter::Descriptor& descriptor) const {
  if (entries.size() != descriptor.entries.size()) return false;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (descriptor.entries[i].key != entries[i].first) return false;
    if (!entries[i].second.empty() && descriptor.entries[i].value != entries[i].second) {
      return false;
    }
  }
  return true;
}

Limiter::Limiter(const LimiterConfig& config) : config_(config) {
  if (config.bucket.has_value()) bucket_.emplace(*config.bucket);
  for (const DescriptorLimit& limit : config.descriptors) {
    const bool wildcard = limit.wildcard();
    fixed_.push_back(wildcard ? nullptr : std::make_unique<TokenBucket>(limit.size));
    dynamic_.push_back(wildcard ? std::make_unique<Dynamic>() : nullptr);
  }
}

Limiter::Account Limiter::AccountOf(const TokenBucket& bucket, base::MonoTime now) {
  return Account{bucket.size().max_tokens, bucket.Remaining(now), bucket.ResetSeconds(now)};
}

bool Limiter::TakeFrom(const Match& match, base::MonoTime now, Account* account) {
  const uint64_t hits = match.descriptor->limit->hits;
  if (TokenBucket* bucket = fixed_[match.index].get()) {
    const bool taken = bucket->Take(hits, now);
    *account = AccountOf(*bucket, now);
    return taken;
  }
  Dynamic& dynamic = *dynamic_[match.index];
  std::string key = KeyOf(*match.descriptor);
  const std::lock_guard<std::mutex> lock(dynamic.mutex);
  auto it = dynamic.by_key.find(key);
  if (it == dynamic.by_key.end()) {
    if (dynamic.order.size() >= config_.max_dynamic) {
      dynamic.by_key.erase(dynamic.order.back().first);
      dynamic.order.pop_back();
    }
    dynamic.order.emplace_front(std::piecewise_construct, std::forward_as_tuple(key),
                                std::forward_as_tuple(config_.descriptors[match.index].size));
    it = dynamic.by_key.emplace(std::move(key), dynamic.order.begin()).first;
  } else {
    dynamic.order.splice(dynamic.order.begin(), dynamic.order, it->second);
  }
  TokenBucket& bucket = it->second->second;
  const bool taken = bucket.Take(hits, now);
  *account = AccountOf(bucket, now);
  return taken;
}

Limiter::Result Limiter::Take(absl::Span<const filter::Descriptor> descriptors,
                              base::MonoTime now) {
  absl::InlinedVector<Match, 4> matches;
  for (const filter::Descriptor& descriptor : descriptors) {
    for (size_t i = 0; i < config_.descriptors.size(); ++i) {
      if (!config_.descriptors[i].Matches(descriptor)) continue;
      matches.push_back({i, &descriptor});
      break;
    }
  }
  // Those that fill slowest come first: they are the most likely to refuse.
  std::stable_sort(matches.begin(), matches.end(), [this](const Match& a, const Match& b) {
    return config_.descriptors[a.index].size.per_token >
           config_.descriptors[b.index].size.per_token;
  });
  Result result;
  for (const Match& match : matches) {
    Account account;
    const bool taken = TakeFrom(match, now, &account);
    const bool refused = !taken && !config_.descriptors[match.index].shadow;
    if (refused || !result.account.has_value() || account.remaining < result.account->remaining) {
      result.account = account;
      result.limit = match.descriptor->limit;
    }
    if (refused) {
      result.allowed = false;
      return result;
    }
  }
  if (!bucket_.has_value() || (!matches.empty() && !config_.always_consume_default)) return result;
  result.allowed = bucket_->Take(1, now);
  if (!result.allowed || !result.account.has_value()) {
    result.account = AccountOf(*bucket_, now);
    result.limit = nullptr;
  }
  return result;
}

}  // namespace proxenos::filters::local_ratelimit
