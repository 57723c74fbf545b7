// ScriptedDnsResolver: the DnsResolver for tests. Questions wait until the test answers them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "source/base/check.h"
#include "source/net/dns_resolver.h"

namespace proxenos::testing {

// Owner: the test. Thread: one. Outlives its queries.
class ScriptedDnsResolver final : public net::DnsResolver {
 public:
  std::unique_ptr<net::DnsQuery> Resolve(absl::string_view name, net::DnsFamily family,
                                         Done done) override {
    ++asked_;
    last_family_ = family;
    auto query = std::make_unique<Query>(*this, std::string(name), std::move(done));
    open_.push_back(query.get());
    return query;
  }

  // For those who want to own their resolver: one that asks here.
  std::unique_ptr<net::DnsResolver> Share() { return std::make_unique<Shared>(*this); }

  // Names that wait for an answer, in the order of the questions.
  std::vector<std::string> Open() const {
    std::vector<std::string> names;
    for (const Query* query : open_) names.push_back(query->name);
    return names;
  }
  int asked() const { return asked_; }
  net::DnsFamily last_family() const { return last_family_; }

  void Answer(const std::string& name, const std::vector<std::string>& ips,
              base::Nanos ttl = base::kNever) {
    net::DnsAnswer answer;
    answer.status = net::DnsStatus::kOk;
    answer.ttl = ttl;
    for (const std::string& ip : ips) answer.addresses.push_back(*net::Address::FromIp(ip, 0));
    Tell(name, std::move(answer));
  }
  void Fail(const std::string& name) {
    net::DnsAnswer answer;
    answer.error = "scripted";
    Tell(name, std::move(answer));
  }

 private:
  class Shared final : public net::DnsResolver {
   public:
    explicit Shared(ScriptedDnsResolver& resolver) : resolver_(resolver) {}
    std::unique_ptr<net::DnsQuery> Resolve(absl::string_view name, net::DnsFamily family,
                                           Done done) override {
      return resolver_.Resolve(name, family, std::move(done));
    }

   private:
    ScriptedDnsResolver& resolver_;
  };

  struct Query final : net::DnsQuery {
    Query(ScriptedDnsResolver& owner, std::string text, Done callback)
        : resolver(owner), name(std::move(text)), done(std::move(callback)) {}
    ~Query() override { std::erase(resolver.open_, this); }

    ScriptedDnsResolver& resolver;
    const std::string name;
    Done done;
  };

  void Tell(const std::string& name, net::DnsAnswer answer) {
    for (Query* query : open_) {
      if (query->name != name) continue;
      std::erase(open_, query);
      Done done = std::move(query->done);
      done(std::move(answer));
      return;
    }
    CHECK(false);  // Nobody asked.
  }

  std::vector<Query*> open_;
  int asked_ = 0;
  net::DnsFamily last_family_ = net::DnsFamily::kAuto;
};

}  // namespace proxenos::testing
