// Look-ups one family after the other, and c-ares' sockets in the loop.
#include "source/net/cares_resolver.h"

#include <ares.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <sys/epoll.h>

#include <algorithm>
#include <climits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "source/base/check.h"
#include "source/base/log.h"

namespace proxenos::net {
namespace {

// Which families are asked, in which order, and whether the first with addresses is enough.
struct Plan {
  int families[2];
  int count;
  bool first_is_enough;
};

Plan PlanOf(DnsFamily family) {
  switch (family) {
    case DnsFamily::kV4Only:
      return {{AF_INET, 0}, 1, true};
    case DnsFamily::kV6Only:
      return {{AF_INET6, 0}, 1, true};
    case DnsFamily::kV4Preferred:
      return {{AF_INET, AF_INET6}, 2, true};
    case DnsFamily::kAll:
      return {{AF_INET, AF_INET6}, 2, false};
    case DnsFamily::kAuto:
      break;
  }
  return {{AF_INET6, AF_INET}, 2, true};
}

bool Wants(const Plan& plan, Address::Family family) {
  const int wanted = family == Address::Family::kIpv4 ? AF_INET : AF_INET6;
  return std::find(plan.families, plan.families + plan.count, wanted) != plan.families + plan.count;
}

DnsStatus StatusOf(int status) {
  switch (status) {
    case ARES_SUCCESS:
    case ARES_ENODATA:    // The name has no such record,
    case ARES_ENOTFOUND:  // or does not exist: an answer, not a failure to get one.
      return DnsStatus::kOk;
    case ARES_ETIMEOUT:
      return DnsStatus::kTimeout;
    default:
      return DnsStatus::kFailed;
  }
}

// c-ares asks the loopback address where the system names no server.
bool HasSystemServers(ares_channel channel) {
  ares_addr_port_node* servers = nullptr;
  if (ares_get_servers_ports(channel, &servers) != ARES_SUCCESS || servers == nullptr) return false;
  const bool stand_in = servers->next == nullptr && servers->family == AF_INET &&
                        servers->addr.addr4.s_addr == htonl(INADDR_LOOPBACK) &&
                        servers->udp_port == 0 && servers->tcp_port == 0;
  ares_free_data(servers);
  return !stand_in;
}

// Whether an interface other than loopback has an address of that family.
bool Routable(Address::Family family) {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return true;
  bool found = false;
  for (const ifaddrs* each = all; each != nullptr && !found; each = each->ifa_next) {
    if (each->ifa_addr == nullptr) continue;
    const int own = each->ifa_addr->sa_family;
    if (own != AF_INET && own != AF_INET6) continue;
    const Address address = Address::FromSockaddr(
        each->ifa_addr, own == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    found = address.family() == family && !address.IsLoopback();
  }
  freeifaddrs(all);
  return found;
}

void ReduceTtl(int seconds, base::Nanos& ttl) {
  // Zero is what /etc/hosts entries have, and servers that want to say nothing useful.
  if (seconds > 0) ttl = std::min(ttl, seconds * base::kSecond);
}

}  // namespace

struct CaresResolver::WaitingTag {};

// A name's question: one look-up after the other. Owner: whoever asked.
class CaresResolver::Query final : public DnsQuery,
                                   public event::Runnable,
                                   public base::ListNode<WaitingTag> {
 public:
  Query(CaresResolver& resolver, absl::string_view name, DnsFamily family, Done done)
      : resolver_(resolver), name_(name), plan_(PlanOf(family)), done_(std::move(done)) {
    answer_.status = DnsStatus::kOk;
  }
  ~Query() override;

  // The next look-up, or the end. Told by the loop, never inside Resolve or c-ares.
  void Run() override {
    if (!Finished()) {
      resolver_.Enqueue(*this);
      return;
    }
    if (!answer_.addresses.empty()) {
      answer_.status = DnsStatus::kOk;
      answer_.error.clear();
    }
    // Moved out first: the callback may destroy this query.
    Done done = std::move(done_);
    done(std::move(answer_));
  }

  // Ends without a look-up, or without a further one.
  void AnswerNumeric(const Address& address) {
    if (Wants(plan_, address.family())) AddAddress(address);
    step_ = plan_.count;
    resolver_.loop_.Schedule(this);
  }
  void Fail(std::string error) {
    answer_.status = DnsStatus::kFailed;
    answer_.error = std::move(error);
    step_ = plan_.count;
    resolver_.loop_.Schedule(this);
  }

  void OnLookUp(int status, const ares_addrinfo* result);

  const std::string& name() const { return name_; }
  int family() const { return plan_.families[step_]; }
  LookUp* look_up = nullptr;  // Under way; owned by c-ares.

 private:
  bool Finished() const {
    return step_ == plan_.count || (plan_.first_is_enough && !answer_.addresses.empty());
  }
  void AddAddress(const Address& address);

  CaresResolver& resolver_;
  const std::string name_;
  const Plan plan_;
  Done done_;
  int step_ = 0;
  DnsAnswer answer_;  // What the look-ups so far have brought.
};

// What c-ares holds for a look-up and gives back with its answer, wanted or not.
struct CaresResolver::LookUp {
  CaresResolver* resolver;
  Query* query;  // Null once cancelled.
};

// One of c-ares' sockets in the loop. Owner: the resolver, then the loop's retired.
class CaresResolver::Socket final : public event::IoHandler {
 public:
  Socket(CaresResolver& resolver, int fd, uint32_t events)
      : resolver_(resolver), fd_(fd), events_(events) {
    resolver_.loop_.WatchLevel(fd_, events_, this);
  }

  void Change(uint32_t events) {
    if (events == events_) return;
    events_ = events;
    resolver_.loop_.ChangeLevel(fd_, events_, this);
  }
  void Close() {
    resolver_.loop_.Unwatch(fd_);
    closed_ = true;
  }

  void OnIo(uint32_t events) override {
    // The descriptor may have been closed, and given out anew, earlier in this turn.
    if (closed_) return;
    const bool failed = (events & (EPOLLERR | EPOLLHUP)) != 0;
    resolver_.Process((events & EPOLLIN) != 0 || failed ? fd_ : ARES_SOCKET_BAD,
                      (events & EPOLLOUT) != 0 ? fd_ : ARES_SOCKET_BAD);
  }

 private:
  CaresResolver& resolver_;
  const int fd_;
  uint32_t events_;
  bool closed_ = false;
};

CaresResolver::Query::~Query() {
  if (look_up != nullptr) look_up->query = nullptr;
}

void CaresResolver::Query::AddAddress(const Address& address) {
  auto& addresses = answer_.addresses;
  if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
    addresses.push_back(address);
  }
}

void CaresResolver::Query::OnLookUp(int status, const ares_addrinfo* result) {
  look_up = nullptr;
  const DnsStatus now = StatusOf(status);
  if (now != DnsStatus::kOk) {
    answer_.status = now;
    answer_.error = ares_strerror(status);
  }
  if (result != nullptr) {
    const bool filters = resolver_.options_.filter_unroutable;
    const bool ipv4 = !filters || Routable(Address::Family::kIpv4);
    const bool ipv6 = !filters || Routable(Address::Family::kIpv6);
    for (const ares_addrinfo_node* node = result->nodes; node != nullptr; node = node->ai_next) {
      const Address address = Address::FromSockaddr(node->ai_addr, node->ai_addrlen);
      if (!address.is_ip()) continue;
      if (!(address.family() == Address::Family::kIpv4 ? ipv4 : ipv6)) continue;
      AddAddress(address.WithPort(0));
      ReduceTtl(node->ai_ttl, answer_.ttl);
    }
    for (const ares_addrinfo_cname* name = result->cnames; name != nullptr; name = name->next) {
      ReduceTtl(name->ttl, answer_.ttl);
    }
  }
  ++step_;
  resolver_.loop_.Schedule(this);
}

CaresResolver::CaresResolver(event::EventLoop& loop, DnsOptions options)
    : loop_(loop),
      options_(std::move(options)),
      timer_(loop.timers(), [this] { Process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }) {
  static const int initialized = ares_library_init(ARES_LIB_INIT_ALL);
  CHECK(initialized == ARES_SUCCESS);
  OpenChannel();
}

CaresResolver::~CaresResolver() {
  CloseChannel();
  DCHECK(in_flight_ == 0);
}

void CaresResolver::OpenChannel() {
  ares_options options{};
  int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB |
             ARES_OPT_LOOKUPS;
  mask |= options_.rotate ? ARES_OPT_ROTATE : ARES_OPT_NOROTATE;
  options.flags = ARES_FLAG_NOALIASES;  // No $HOSTALIASES: configuration names what it means.
  if (options_.use_tcp) options.flags |= ARES_FLAG_USEVC;
  if (options_.no_search_domains) options.flags |= ARES_FLAG_NOSEARCH;
  options.timeout = static_cast<int>(
      std::clamp<base::Nanos>(options_.query_timeout / base::kMillisecond, 1, INT_MAX));
  options.tries = static_cast<int>(std::max(options_.query_tries, 1u));
  char lookups[] = "fb";  // /etc/hosts, then the servers.
  options.lookups = lookups;
  options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
    static_cast<CaresResolver*>(self)->OnSocketState(fd, readable != 0, writable != 0);
  };
  options.sock_state_cb_data = this;
  if (options_.edns_payload != 0) {
    options.flags |= ARES_FLAG_EDNS;
    options.ednspsz = static_cast<int>(options_.edns_payload);
    mask |= ARES_OPT_EDNSPSZ;
  }
  opened_ = loop_.now();
  look_ups_ = 0;
  int status = ares_init_options(&channel_, &options, mask);
  if (status == ARES_SUCCESS && !options_.servers.empty() &&
      !(options_.servers_as_fallback && HasSystemServers(channel_))) {
    const std::string servers = absl::StrJoin(
        options_.servers, ",",
        [](std::string* out, const Address& server) { absl::StrAppend(out, server.ToString()); });
    status = ares_set_servers_ports_csv(channel_, servers.c_str());
  }
  if (status == ARES_SUCCESS) return;
  channel_error_ = absl::StrCat("c-ares: ", ares_strerror(status));
  PX_LOG(kDns, kError, "DNS resolver cannot be set up: ", channel_error_);
  CloseChannel();
}

void CaresResolver::CloseChannel() {
  if (channel_ != nullptr) ares_destroy(std::exchange(channel_, nullptr));
  timer_.Disarm();
}

std::unique_ptr<DnsQuery> CaresResolver::Resolve(absl::string_view name, DnsFamily family,
                                                 Done done) {
  auto query = std::make_unique<Query>(*this, name, family, std::move(done));
  const absl::StatusOr<Address> numeric = Address::FromIp(name, 0);
  if (numeric.ok()) {
    query->AnswerNumeric(*numeric);
  } else if (channel_ == nullptr) {
    query->Fail(channel_error_);
  } else {
    Enqueue(*query);
  }
  return query;
}

void CaresResolver::Enqueue(Query& query) {
  waiting_.PushBack(&query);
  loop_.Schedule(this);
}

void CaresResolver::Run() {
  if (renew_channel_ && in_flight_ == 0) Renew();
  while (in_flight_ < kMaxInFlight) {
    if (!waiting_.empty() && UsedUp()) {
      // What is under way is answered on the old sockets first.
      renew_channel_ = true;
      if (in_flight_ > 0) break;
      Renew();
    }
    Query* query = waiting_.PopFront();
    if (query == nullptr) break;
    if (channel_ == nullptr) {
      query->Fail(channel_error_);
    } else {
      Start(*query);
    }
  }
  ArmTimer();
}

void CaresResolver::Renew() {
  renew_channel_ = false;
  CloseChannel();
  OpenChannel();
}

bool CaresResolver::UsedUp() const {
  if (channel_ == nullptr) return false;
  if (options_.udp_max_queries != 0 && look_ups_ >= options_.udp_max_queries) return true;
  return options_.channel_age != 0 && loop_.now() - opened_ >= options_.channel_age;
}

void CaresResolver::Start(Query& query) {
  auto look_up = std::make_unique<LookUp>(LookUp{this, &query});
  query.look_up = look_up.get();
  ++in_flight_;
  ++look_ups_;
  ares_addrinfo_hints hints{};
  hints.ai_family = query.family();
  // Sorting would open a socket per address to learn a preference that balancing does not use.
  hints.ai_flags = ARES_AI_NOSORT;
  // Calls back at once, or later: OnAnswer takes the look-up over in any case.
  ares_getaddrinfo(channel_, query.name().c_str(), nullptr, &hints, OnAnswer, look_up.release());
}

void CaresResolver::OnAnswer(void* arg, int status, int, ares_addrinfo* result) {
  const std::unique_ptr<LookUp> look_up(static_cast<LookUp*>(arg));
  CaresResolver& self = *look_up->resolver;
  --self.in_flight_;
  if (look_up->query != nullptr) look_up->query->OnLookUp(status, result);
  if (result != nullptr) ares_freeaddrinfo(result);
  if (self.channel_ == nullptr) return;  // The end of the channel.
  if (self.options_.servers.empty() && (status == ARES_ECONNREFUSED || status == ARES_ETIMEOUT)) {
    self.renew_channel_ = true;
  }
  if (self.options_.renew_on_timeout && status == ARES_ETIMEOUT) self.renew_channel_ = true;
  if (self.renew_channel_ || !self.waiting_.empty()) self.loop_.Schedule(&self);
}

void CaresResolver::OnSocketState(int fd, bool readable, bool writable) {
  const uint32_t events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u);
  const auto it = sockets_.find(fd);
  if (events == 0) {
    if (it == sockets_.end()) return;
    it->second->Close();
    loop_.Retire(std::move(it->second));
    sockets_.erase(it);
  } else if (it == sockets_.end()) {
    sockets_.emplace(fd, std::make_unique<Socket>(*this, fd, events));
  } else {
    it->second->Change(events);
  }
}

void CaresResolver::Process(int read_fd, int write_fd) {
  if (channel_ == nullptr) return;
  ares_process_fd(channel_, read_fd, write_fd);
  ArmTimer();
}

void CaresResolver::ArmTimer() {
  timeval wait;
  if (channel_ == nullptr || ares_timeout(channel_, nullptr, &wait) == nullptr) {
    timer_.Disarm();
    return;
  }
  timer_.ArmIn(std::max(base::kMillisecond,
                        wait.tv_sec * base::kSecond + wait.tv_usec * base::kMicrosecond));
}

}  // namespace proxenos::net
