// Control planes for the simulation of subscriptions: the two protocols without a stream, as far as
// a server has to know them, and a check of what is said to it.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "gtest/gtest.h"
#include "source/xds/delta_subscription.h"
#include "source/xds/sotw_subscription.h"

namespace proxenos::xds {

// What there is of one name. The receiver refuses contents that begin with "bad".
struct Item {
  std::string content;
  int ttl_s = 0;

  bool bad() const { return absl::StartsWith(content, "bad"); }
};
using World = std::map<std::string, Item>;

// A response as the model reads it.
struct Said {
  std::map<std::string, Item> sent;
  std::set<std::string> removed;
  bool whole = false;  // What is not sent is gone.
};

inline envoy::service::discovery::v3::Resource WrapperOf(const std::string& name, const Item& item,
                                                         const std::string& version) {
  envoy::config::cluster::v3::Cluster cluster;
  cluster.set_name(name);
  cluster.set_alt_stat_name(item.content);
  envoy::service::discovery::v3::Resource wrapper;
  wrapper.set_name(name);
  wrapper.set_version(version);
  wrapper.mutable_resource()->PackFrom(cluster);
  if (item.ttl_s > 0) wrapper.mutable_ttl()->set_seconds(item.ttl_s);
  return wrapper;
}

// Which responses were answered, and how.
class AnswerBook {
 public:
  void Sent(const std::string& nonce, const Said& said) {
    std::set<std::string> bad;
    for (const auto& [name, item] : said.sent) {
      if (item.bad()) bad.insert(name);
    }
    open_.push_back({nonce, bad});
  }
  // An answer, or a request that repeats the nonce of one.
  void Heard(const std::string& nonce, bool nack, const std::string& text) {
    size_t place = 0;
    while (place < open_.size() && open_[place].nonce != nonce) ++place;
    if (place == open_.size()) return;
    // Unless nobody asked for it any more when it came, what is bad is named.
    if (nack) {
      bool named = false;
      for (const std::string& name : open_[place].bad)
        named |= absl::StrContains(text, name + ": ");
      EXPECT_TRUE(named) << text;
    }
    // The newest of the same refusals answers for those before it.
    open_.erase(open_.begin(), open_.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
  bool all_answered() const { return open_.empty(); }

 private:
  struct Open {
    std::string nonce;
    std::set<std::string> bad;
  };
  std::deque<Open> open_;
};

// One server's end of one stream, state of the world.
class SotwServer {
 public:
  using Kind = SotwSubscription;

  SotwServer(const World& world, std::string id, bool whole_set)
      : world_(world), id_(std::move(id)), whole_set_(whole_set) {}

  void OnRequest(const Kind::Request& request) {
    book_.Heard(request.response_nonce(), request.has_error_detail(),
                request.error_detail().message());
    if (!request.version_info().empty()) {
      EXPECT_TRUE(absl::StartsWith(request.version_info(), id_)) << "another server's version";
    }
    if (!request.response_nonce().empty() && request.response_nonce() != nonce_) return;  // Stale.
    std::set<std::string> names(request.resource_names().begin(), request.resource_names().end());
    const bool all = names.erase(kAllNames) > 0 || (names.empty() && (!asked_ || legacy_));
    legacy_ = all && request.resource_names().empty();
    const bool news = !asked_ || names != names_ || all != all_;
    names_ = names;
    all_ = all;
    asked_ = true;
    if (news) Push();
  }

  // The world has changed.
  void Push() {
    if (!asked_) return;
    Said said;
    said.whole = whole_set_;
    nonce_ = absl::StrCat("n", ++count_);
    Kind::Response response;
    response.set_nonce(nonce_);
    response.set_version_info(absl::StrCat(id_, count_));
    for (const auto& [name, item] : world_) {
      if (!all_ && !names_.contains(name)) continue;
      said.sent[name] = item;
      response.add_resources()->PackFrom(WrapperOf(name, item, absl::StrCat(id_, item.content)));
    }
    book_.Sent(nonce_, said);
    responses.push_back({response, said});
  }

  const AnswerBook& book() const { return book_; }
  std::deque<std::pair<Kind::Response, Said>> responses;

 private:
  const World& world_;
  const std::string id_;
  const bool whole_set_;
  AnswerBook book_;
  bool asked_ = false;
  bool legacy_ = false;  // Everything, by naming nothing.
  bool all_ = false;
  std::set<std::string> names_;
  std::string nonce_;
  int count_ = 0;
};

// The same in the delta protocol.
class DeltaServer {
 public:
  using Kind = DeltaSubscription;

  DeltaServer(const World& world, std::string id, bool) : world_(world), id_(std::move(id)) {}

  void OnRequest(const Kind::Request& request) {
    book_.Heard(request.response_nonce(), request.has_error_detail(),
                request.error_detail().message());
    EXPECT_TRUE(request.response_nonce().empty() ||
                absl::StartsWith(request.response_nonce(), "n"));
    std::set<std::string> asked(request.resource_names_subscribe().begin(),
                                request.resource_names_subscribe().end());
    if (asked.erase(kAllNames) > 0 || (!asked_ && asked.empty())) all_ = true;
    names_.insert(asked.begin(), asked.end());
    for (const std::string& name : request.resource_names_unsubscribe()) {
      EXPECT_FALSE(asked.contains(name));
      if (name == kAllNames) all_ = false;
      names_.erase(name);
      // It may be among everything: the peer, which forgot it, is told again.
      if (all_) asked.insert(name);
      held_.erase(name);
    }
    if (asked_) {
      EXPECT_TRUE(request.initial_resource_versions().empty());
    }
    for (const auto& [name, version] : request.initial_resource_versions()) {
      EXPECT_TRUE(version.empty() || absl::StartsWith(version, id_)) << "another server's version";
      held_[name] = version;
      asked.erase(name);
    }
    const bool first = !std::exchange(asked_, true);
    Respond(asked, first && all_);
  }

  void Push() {
    if (asked_) Respond({}, false);
  }

  const AnswerBook& book() const { return book_; }
  std::deque<std::pair<Kind::Response, Said>> responses;

 private:
  void Respond(const std::set<std::string>& asked, bool always) {
    Said said;
    Kind::Response response;
    std::map<std::string, std::string> there;
    for (const auto& [name, item] : world_) {
      if (!all_ && !names_.contains(name)) continue;
      const std::string version = absl::StrCat(id_, item.content, "/", item.ttl_s);
      there[name] = version;
      const auto held = held_.find(name);
      if (held != held_.end() && held->second == version && !asked.contains(name)) continue;
      said.sent[name] = item;
      *response.add_resources() = WrapperOf(name, item, version);
    }
    for (const auto& [name, version] : held_) {
      if (!there.contains(name)) said.removed.insert(name);
    }
    for (const std::string& name : asked) {
      if (!there.contains(name)) said.removed.insert(name);
    }
    held_ = there;
    if (said.sent.empty() && said.removed.empty() && !always) return;
    for (const std::string& name : said.removed) response.add_removed_resources(name);
    const std::string nonce = absl::StrCat("n", ++count_);
    response.set_nonce(nonce);
    book_.Sent(nonce, said);
    responses.push_back({response, said});
  }

  const World& world_;
  const std::string id_;
  AnswerBook book_;
  bool asked_ = false;
  bool all_ = false;
  std::set<std::string> names_;
  std::map<std::string, std::string> held_;
  int count_ = 0;
};

}  // namespace proxenos::xds
