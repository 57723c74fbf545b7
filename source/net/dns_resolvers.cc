// Shares by reference count, on one thread.
#include "source/net/dns_resolvers.h"

#include <utility>

#include "source/base/check.h"
#include "source/base/rc.h"
#include "source/net/cares_resolver.h"

namespace proxenos::net {

class DnsResolvers::Counted final : public base::RefCounted {
 public:
  Counted(DnsResolvers& owner, const DnsOptions& options)
      : owner_(owner), options_(options), resolver_(owner.loop_, options) {
    owner_.all_.push_back(this);
  }
  ~Counted() { std::erase(owner_.all_, this); }

  const DnsOptions& options() const { return options_; }
  CaresResolver& resolver() { return resolver_; }

 private:
  DnsResolvers& owner_;
  const DnsOptions options_;
  CaresResolver resolver_;
};

class DnsResolvers::Shared final : public DnsResolver {
 public:
  explicit Shared(base::Rc<Counted> counted) : counted_(std::move(counted)) {}

  std::unique_ptr<DnsQuery> Resolve(absl::string_view name, DnsFamily family, Done done) override {
    return counted_->resolver().Resolve(name, family, std::move(done));
  }

 private:
  const base::Rc<Counted> counted_;
};

DnsResolvers::~DnsResolvers() { DCHECK(all_.empty()); }

std::unique_ptr<DnsResolver> DnsResolvers::Share(const DnsOptions& options) {
  for (Counted* counted : all_) {
    if (counted->options() == options) {
      return std::make_unique<Shared>(base::Rc<Counted>(counted));
    }
  }
  return std::make_unique<Shared>(base::Rc<Counted>(std::make_unique<Counted>(*this, options)));
}

}  // namespace proxenos::net
