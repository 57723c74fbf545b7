// Looking up, saving, forgetting, telling.
#include "source/filters/http/cache/shared_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/cache/vary.h"
#include "source/filters/http/cache/judging.h"
#include "source/redis/command.h"

namespace proxenos::filters::cache {

namespace store = ::proxenos::cache;
using redis::Reply;

namespace {

constexpr stats::ScopeShape kScope{"cache.$.redis.", "cache.redis.", {"proxenos.cache_name"}};
constexpr base::Nanos kTick = base::kSecond;
// Lists of fields that responses of one URL are looked for by.
constexpr size_t kMaxLists = 8;
// A stale response with a validator is worth keeping for a while: a 304 makes it fresh.
constexpr int64_t kKeepForValidation = 3600;
// Lists of fields outlive what they are for; that only costs a look-up.
constexpr int64_t kKeepLists = 86400;

// The stores that this worker has ways to: the parts of filters, which are made for each listener
// anew, share one connection.
std::vector<SharedStore*>& OfThisWorker() {
  static thread_local std::vector<SharedStore*> all;
  return all;
}

// Of a cluster of Redis all keys of a store are in one place.
std::string PrefixOf(const store::NamedStore& named) {
  return absl::StrCat("{", named.options.shared.key_prefix, ":", named.name, "}:");
}

redis::Client::Options OptionsOf(const store::SharedOptions& from) {
  redis::Client::Options options;
  options.cluster = from.cluster;
  options.username = from.username;
  options.password = from.password;
  options.database = from.database;
  options.timeout = from.timeout;
  options.max_unsent_bytes = std::max(options.max_unsent_bytes, 4 * from.max_entry_bytes);
  // As many as are asked for at once, and some more for what stands around them.
  options.replies.max_bytes = (kMaxLists + 1) * from.max_entry_bytes + 65536;
  return options;
}

// Seconds that it is of use; 0: none.
int64_t SecondsOfUse(const store::StoredHead& head, base::WallTime now) {
  const store::ResponsePolicy& policy = head.policy;
  int64_t seconds =
      policy.TtlAt(now) + std::max(policy.stale_while_revalidate, policy.stale_if_error);
  if (!head.validators.etag.empty() || head.validators.last_modified) {
    seconds = std::max<int64_t>(seconds, 0) + kKeepForValidation;
  }
  return std::clamp<int64_t>(seconds, 0, store::kMaxSeconds);
}

void AppendSet(absl::string_view key, buffer::Buffer value, int64_t seconds, buffer::Buffer& out) {
  redis::CommandWriter command(5, out);
  command.Word("SET");
  command.Word(key);
  command.Word(std::move(value));
  command.Word("EX");
  command.Word(absl::StrCat(seconds));
}

}  // namespace

base::Rc<SharedStore> SharedStore::Of(const store::StoreHandle& named,
                                      const filter::Environment& environment,
                                      stats::Registry& registry) {
  for (SharedStore* one : OfThisWorker()) {
    if (one->store_.operator->() == named.operator->() && &one->loop_ == &environment.loop) {
      return base::Rc<SharedStore>(one);
    }
  }
  return base::Rc<SharedStore>(
      std::unique_ptr<SharedStore>(new SharedStore(named, environment, registry)));
}

SharedStore::SharedStore(const store::StoreHandle& named, const filter::Environment& environment,
                         stats::Registry& registry)
    : store_(named),
      loop_(environment.loop),
      clusters_(environment.clusters),
      prefix_(PrefixOf(*named.operator->())),
      stats_(registry.Open<SharedStats>(stats::ScopeName(kScope, {named->name}))),
      client_stats_(registry.Open<redis::ClientStats>(stats::ScopeName(kScope, {named->name}))),
      client_(loop_, clusters_, OptionsOf(named->options.shared), *client_stats_,
              [this] { Publish(); }),
      published_([this](const Reply* reply) {
        if (reply == nullptr || reply->kind == Reply::Kind::kError) {
          log().GiveBack(std::exchange(publishing_, {}));
          return;
        }
        stats_->purge_published.Add(publishing_.size());
        publishing_.clear();
      }),
      tick_(loop_.timers(), [this] { OnTick(); }),
      // tidy: allow shared-mutable: held by posts under way, which outlive this.
      address_(std::make_shared<Address>()) {
  OfThisWorker().push_back(this);
  address_->loop = &loop_;
  address_->store = this;
  Follow();
  tick_.ArmIn(kTick);
}

SharedStore::~SharedStore() {
  auto& all = OfThisWorker();
  all.erase(std::remove(all.begin(), all.end(), this), all.end());
  if (follower_ != nullptr) {
    follower_.reset();  // Before another one follows.
    log().Release();
  }
  if (!publishing_.empty()) log().GiveBack(std::move(publishing_));
  const std::lock_guard<std::mutex> lock(address_->mutex);
  address_->loop = nullptr;
  address_->store = nullptr;
}

void SharedStore::OnTick() {
  tick_.ArmIn(kTick);
  Follow();
  if (follower_ != nullptr) follower_->Poke();
  client_.Renew();
  Publish();
}

// One for the process, whoever is there first, or when that one has gone.
void SharedStore::Follow() {
  if (follower_ != nullptr) return;
  const bool claimed = log().Claim([address = address_] {
    const std::lock_guard<std::mutex> lock(address->mutex);
    if (address->loop == nullptr) return;
    address->loop->Post([address] {
      if (address->store != nullptr) address->store->Publish();
    });
  });
  if (!claimed) return;
  redis::Client::Options options = OptionsOf(store_->options.shared);
  options.replies = {};
  follower_ = std::make_unique<PurgeFollower>(log(), absl::StrCat(prefix_, "purges"), loop_,
                                              clusters_, std::move(options), *client_stats_);
}

void SharedStore::Publish() {
  if (!client_.ready() || follower_ == nullptr || published_.waits()) return;
  publishing_ = log().TakePending();
  if (publishing_.empty()) return;
  const std::string key = absl::StrCat(prefix_, "purges");
  buffer::Buffer commands;
  for (const store::PurgeRecord& record : publishing_) {
    redis::AppendCommand(
        {"XADD", key, "MAXLEN", PurgeFollower::kLogRecords, "*", PurgeKind(record.by), record.text},
        commands);
  }
  if (!client_.Send(std::move(commands), &published_, publishing_.size())) {
    log().GiveBack(std::exchange(publishing_, {}));
  }
}

void SharedStore::Save(const store::Key& key, const store::StoredResponse& response,
                       std::optional<store::LogId> decided) {
  const store::StoredHead& head = *response.head;
  const int64_t seconds = SecondsOfUse(head, loop_.wall_now());
  if (!decided || seconds == 0 || !client_.ready() ||
      store::SharedSize(response) > store_->options.shared.max_entry_bytes) {
    stats_->not_saved.Inc();
    return;
  }
  const store::SharedNames names(prefix_, key);
  buffer::Buffer value = store::EncodeShared(key.url(), response, *decided);
  buffer::Buffer commands;
  size_t count = 1;
  if (head.vary.empty()) {
    AppendSet(names.plain, std::move(value), seconds, commands);
  } else {
    const std::string text = store::VaryText(head.vary);
    AppendSet(names.Variant(text, head.selecting), std::move(value), seconds, commands);
    redis::AppendCommand({"SADD", names.varies, text}, commands);
    redis::AppendCommand({"EXPIRE", names.varies, absl::StrCat(std::max(seconds, kKeepLists))},
                         commands);
    // The URL's responses did not vary once, and do now.
    redis::AppendCommand({"DEL", names.plain}, commands);
    count = 4;
  }
  const bool sent = client_.Send(std::move(commands), nullptr, count);
  (sent ? stats_->saved : stats_->not_saved).Inc();
}

SharedStore::Forgetting::Forgetting(SharedStore& its_store)
    : call([this, &its_store](const Reply* reply) {
        over = true;
        // Where that is not known, it may have been there.
        if (reply == nullptr || reply->kind != Reply::Kind::kInteger || reply->integer > 0) {
          its_store.log().Publish({store::PurgeRecord::By::kUrl, url});
        }
      }) {}

// Only what was stored somewhere is told to all: whoever may write to a URL that nobody stores does
// not fill the log.
void SharedStore::Forget(const store::Key& key, bool known) {
  const store::SharedNames names(prefix_, key);
  const auto command = [&names] {
    buffer::Buffer bytes;
    redis::AppendCommand({"DEL", names.plain, names.varies}, bytes);
    return bytes;
  };
  forgetting_.erase(std::remove_if(forgetting_.begin(), forgetting_.end(),
                                   [](const auto& one) { return one->over; }),
                    forgetting_.end());
  if (!known && client_.ready() && forgetting_.size() < kMaxForgetting) {
    auto one = std::make_unique<Forgetting>(*this);
    one->url = key.url();
    if (client_.Send(command(), &one->call)) return forgetting_.push_back(std::move(one));
  }
  // It was there, or nobody can be asked now.
  client_.Send(command(), nullptr);
  log().Publish({store::PurgeRecord::By::kUrl, key.url()});
}

SharedLoad::SharedLoad(base::Rc<SharedStore> shared, const store::Key& key,
                       const http::HeaderMap& request, absl::AnyInvocable<void()> on_done)
    : store_(std::move(shared)),
      key_(key),
      request_(request),
      on_done_(std::move(on_done)),
      names_(store_->prefix_, key),
      plain_([this](const Reply* reply) { OnPlain(reply); }),
      varies_([this](const Reply* reply) { OnVaries(reply); }),
      variants_([this](const Reply* reply) { OnVariants(reply); }) {}

bool SharedStore::Usable() {
  if (client_.ready() && log().Position().has_value()) return true;
  stats_->unavailable.Inc();
  return false;
}

bool SharedLoad::Start() {
  buffer::Buffer command;
  redis::AppendCommand({"GET", names_.plain}, command);
  buffer::Buffer lists;
  redis::AppendCommand({"SRANDMEMBER", names_.varies, absl::StrCat(kMaxLists)}, lists);
  redis::Client& client = store_->client_;
  if (client.Send(std::move(command), &plain_) && client.Send(std::move(lists), &varies_)) {
    return true;
  }
  plain_.Cancel();
  store_->stats().unavailable.Inc();
  return false;
}

void SharedLoad::OnPlain(const Reply* reply) {
  if (reply == nullptr || !Take(*reply)) return;
  varies_.Cancel();
  Finish();
}

void SharedLoad::OnVaries(const Reply* reply) {
  size_t count = 0;
  buffer::Buffer words;
  for (size_t i = 0; reply != nullptr && i < reply->items.size() && count < kMaxLists; ++i) {
    const auto fields = store::ReadVaryText(reply->items[i].text);
    if (!fields) continue;
    const std::string name =
        names_.Variant(reply->items[i].text, store::SelectingValues(*fields, request_));
    words.Append(absl::StrCat("$", name.size(), "\r\n", name, "\r\n"));
    ++count;
  }
  if (count == 0) return Finish();
  buffer::Buffer command;
  command.Append(absl::StrCat("*", count + 1, "\r\n$4\r\nMGET\r\n"));
  command.Append(std::move(words));
  if (!store_->client_.Send(std::move(command), &variants_)) Finish();
}

void SharedLoad::OnVariants(const Reply* reply) {
  if (reply != nullptr) {
    // The youngest of those that answer the request.
    for (const Reply& value : reply->items) Take(value);
  }
  Finish();
}

bool SharedLoad::Take(const Reply& value) {
  if (value.kind != Reply::Kind::kText) return false;
  std::optional<store::SharedEntry> entry =
      store::DecodeShared(value.text, store_->loop_.wall_now());
  if (!entry) {
    store_->stats().corrupt.Inc();
    return false;
  }
  const store::StoredHead& head = *entry->response.head;
  if (entry->url != key_.url() || Select({entry->response}, key_, request_).empty()) {
    return false;  // Another one's, by its name's hash.
  }
  if (!store_->log().IsGood(entry->stamp, entry->url, head.tags)) {
    store_->stats().purged.Inc();
    return false;
  }
  if (result_ && result_->head->policy.response_time >= head.policy.response_time) return true;
  result_ = std::move(entry->response);
  return true;
}

void SharedLoad::Finish() {
  done_ = true;
  (result_ ? store_->stats().hit : store_->stats().miss).Inc();
  on_done_();
}

bool KeepEverywhere(store::NamedStore& named, SharedStore* shared, const store::Fill& fill,
                    store::StoredResponse response) {
  if (shared == nullptr) return named.Keep(fill, std::move(response));
  // In this order, so that what is purged between the two is younger than the entry.
  const std::optional<store::LogId> decided = shared->log().Position();
  if (!named.Keep(fill, response)) return false;
  shared->Save(fill.key(), response, decided);
  return true;
}

bool UpdateEverywhere(store::NamedStore& named, SharedStore* shared, const store::Key& key,
                      const store::StoredHead* old, store::StoredResponse response) {
  if (shared == nullptr) return named.Update(key, old, std::move(response));
  const std::optional<store::LogId> decided = shared->log().Position();
  if (!named.Update(key, old, response)) return false;
  shared->Save(key, response, decided);
  return true;
}

uint64_t ForgetEverywhere(store::NamedStore& named, SharedStore* shared, const store::Key& key) {
  const uint64_t count = named.Forget(key);
  if (shared != nullptr) shared->Forget(key, count > 0);
  return count;
}

}  // namespace proxenos::filters::cache
