// Chaos: everything around the real binary fails, by a seed, while clients hold it to what is
// promised all the same; when all is well again, nothing may be left behind.
//
// PROXENOS_CHAOS_SEED and PROXENOS_CHAOS_SECONDS (tools/dev chaos) ask for one seed, for as long.
#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "source/base/random.h"
#include "test/chaos/broken_wire.h"
#include "test/chaos/chaos_client.h"
#include "test/chaos/chaos_origin.h"
#include "test/chaos/chaos_world.h"
#include "test/integration/xds_world.h"
#include "test/support/eventually.h"
#include "test/support/fake_control_plane.h"
#include "test/support/fake_dns_server.h"
#include "test/support/proxy_process.h"

namespace proxenos::testing {
namespace {

constexpr int kOriginCount = 6;
constexpr int kAlways = 3;  // Of them, hosts that discovery never takes away.
constexpr int kClients = 16;
constexpr int kSteps = 150;  // Of a short run.
constexpr int kRequestsAStep = 30;
// What may be held at the end beyond what was held before the first request: buffers that are kept
// for the next request, and a heap that has seen all this.
constexpr uint64_t kMemoryBound = 48u << 20;

uint16_t FreePort() { return ListenSocket().port(); }

uint16_t PortOf(const std::string& address) {
  return static_cast<uint16_t>(std::atoi(address.substr(address.rfind(':') + 1).c_str()));
}

int FromEnvironment(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? 0 : std::atoi(text);
}

std::vector<int> Seeds() {
  const int seed = FromEnvironment("PROXENOS_CHAOS_SEED");
  return seed != 0 ? std::vector<int>{seed} : std::vector<int>{1, 2, 3};
}

class ChaosTest : public ::testing::TestWithParam<int> {
 protected:
  ChaosTest() : random_(GetParam()), wire_(PortOf(plane_.address())) {
    for (int i = 0; i < kOriginCount; ++i) {
      origins_.push_back(std::make_unique<ChaosOrigin>(ledger_, random_.Next()));
      (i < kAlways ? world_.always : world_.sometimes).push_back(origins_.back()->port());
    }
    world_.present.assign(world_.sometimes.size(), true);
    world_.anchor_port = anchor_.port();
    world_.dns_port = dns_.address().port();
    world_.port = FreePort();
    world_.inner_port = FreePort();
    world_.spare_port = FreePort();
    for (const char* name : {"dns.example", "lost.example"}) SetName(name, {.v4 = {kGoodAddress}});
    Push();
    const std::string address = absl::StrCat("127.0.0.1:", wire_.port());
    proxy_.emplace(AdsBootstrap(address, GetParam() % 2 == 0 ? "DELTA_GRPC" : "GRPC"),
                   ProxyProcess::Options{.concurrency = 2});
  }

  // One change, of whatever kind.
  void Step() {
    switch (random_.Below(15)) {
      case 0:
      case 1:
      case 2:
        return ChangeConduct();
      case 3:
        return KillOrRevive();
      case 4:
        return MoveTheSteadyOne();
      case 5:
        return BreakTheWire();
      case 6:
        return plane_.DropStreams(random_.Below(2) == 0 ? absl::OkStatus()
                                                        : absl::InternalError("chaos"));
      case 7:
        return TellNonsense();
      case 8:
        return PushBad();
      case 9:
        return ChangeNames();
      case 10:
        return LookAtIt();
      default:
        return ChangeWorld();
    }
  }

  // Never the origin that is the steady one now.
  ChaosOrigin& AnyUnsteady() {
    const size_t other = 1 + random_.Below(kOriginCount - 1);
    return *origins_[(steady_ + other) % kOriginCount];
  }
  void ChangeConduct() {
    AnyUnsteady().Behave(static_cast<Conduct>(random_.Below(kConducts)));
    origins_[steady_]->Behave(static_cast<Conduct>(random_.Below(kHarmless)));
  }
  void KillOrRevive() {
    ChaosOrigin& origin = AnyUnsteady();
    if (origin.alive()) {
      origin.Kill();
    } else {
      origin.Revive();
    }
  }
  // Requests that began before the new one was good may need the old one: it is good to their end.
  void MoveTheSteadyOne() {
    const size_t next = random_.Below(kAlways);
    origins_[next]->Revive();
    origins_[next]->Behave(Conduct::kGood);
    ASSERT_TRUE(ledger_.WaitForThoseUnderWay());
    steady_ = next;
  }

  void BreakTheWire() {
    switch (random_.Below(5)) {
      case 0:
        return wire_.Cut();
      case 1:
        return wire_.Refuse();
      case 2:
        return wire_.Freeze();
      case 3:
        // The plane itself, with what it knows of its streams.
        plane_.Stop();
        return plane_.Restart();
      default:
        return MendTheWire();
    }
  }
  void MendTheWire() {
    wire_.Thaw();
    wire_.Accept();
  }

  void TellNonsense() {
    FakeControlPlane::Response response;
    response.set_type_url(random_.Below(2) == 0 ? kRouteType : "type.googleapis.com/no.Such");
    response.set_nonce("odd");
    const std::string whole = response.SerializeAsString();
    plane_.SendRaw(random_.Below(2) == 0 ? whole : whole.substr(0, random_.Below(whole.size())));
  }

  void Push() {
    ++world_.version;
    plane_.Update(WorldOf(world_));
  }
  // A world in which one type has something that is to be refused; the next push is good again.
  void PushBad() {
    static constexpr const char* kTypes[] = {kClusterType, kEndpointType, kRouteType,
                                             kListenerType};
    ++world_.version;
    xds_server::WorldState bad = WorldOf(world_);
    const char* type = kTypes[random_.Below(std::size(kTypes))];
    auto& resources = bad[type].resources;
    const google::protobuf::Any refused = BadResource(type);
    if (type == kClusterType) {
      resources.push_back(refused);
    } else {
      resources[type == kEndpointType ? 2 : 0] = refused;
    }
    plane_.Update(bad);
  }

  void ChangeWorld() {
    switch (random_.Below(8)) {
      case 0:
      case 1:
      case 2: {
        const size_t one = random_.Below(world_.present.size());
        world_.present[one] = !world_.present[one];
        break;
      }
      case 3:
        world_.churn_cluster = !world_.churn_cluster;
        break;
      case 4:
        world_.spare_listener = !world_.spare_listener;
        break;
      case 5:
        ++world_.server_name;
        break;
      case 6:
        ++world_.inner_name;
        break;
      default:
        world_.extra_routes = static_cast<int>(random_.Below(50));
        world_.connect_timeout_s = 5 + static_cast<int>(random_.Below(3));
        break;
    }
    Push();
  }

  // What an operator does meanwhile.
  void LookAtIt() {
    static constexpr const char* kPages[] = {"/config_dump?include_eds",
                                             "/clusters?format=json",
                                             "/stats?usedonly",
                                             "/listeners",
                                             "/stats/prometheus",
                                             "/memory",
                                             "/server_info"};
    const char* page = kPages[random_.Below(std::size(kPages))];
    EXPECT_EQ(proxy_->Admin("GET", page).status(), 200) << page;
  }

  static constexpr char kGoodAddress[] = "127.0.0.1";

  void SetName(const std::string& name, DnsScript script) {
    script.ttl = 0;
    dns_.Set(name, std::move(script));
  }
  // "dns" has the good address in every answer that can be believed; "lost" loses it at times.
  void ChangeNames() {
    const std::vector<std::string> dead = {"127.0.0.2", "127.0.0.3", "127.0.0.4"};
    const auto some = [&](bool good) {
      std::vector<std::string> all(dead.begin(), dead.begin() + random_.Below(dead.size() + 1));
      if (good) all.insert(all.begin() + random_.Below(all.size() + 1), kGoodAddress);
      return all;
    };
    static const DnsScript kFailures[] = {
        {.drop = true}, {.rcode = 2}, {.garbage = std::string(30, '\xff')}, {.rcode = 5}};
    DnsScript kept = {.v4 = some(true)};
    const uint64_t kind = random_.Below(8);
    if (kind < std::size(kFailures)) kept = kFailures[kind];
    if (kind == 5) kept.wrong_id = true;
    if (kind == 6) kept.truncated = true;
    SetName("dns.example", kept);
    DnsScript lost = {.v4 = some(random_.Below(2) == 0)};
    if (random_.Below(3) == 0) lost = {.rcode = 3};
    SetName("lost.example", lost);
  }

  // All is well again, and the proxy has noticed.
  void Recover() {
    MendTheWire();
    for (const auto& origin : origins_) {
      origin->Revive();
      origin->Behave(Conduct::kGood);
    }
    for (const char* name : {"dns.example", "lost.example"}) SetName(name, {.v4 = {kGoodAddress}});
    world_.present.assign(world_.present.size(), true);
    world_.churn_cluster = true;
    world_.spare_listener = false;
    world_.extra_routes = 0;
    Push();
    const std::string version = absl::StrCat("v", world_.version);
    for (const Road& road : kRoads) {
      EXPECT_TRUE(Eventually([&] {
        TestClient client(world_.port);
        return ChaosClients::Ask(ledger_, client, road);
      })) << road.path
          << " did not recover";
    }
    EXPECT_TRUE(Eventually([&] {
      TestClient client(world_.port);
      return client.Get("/churn/x", {{"x-size", "1"}}).Header("x-route-version") == version;
    })) << "the last update did not come";
  }

  size_t Descriptors() {
    const std::string path = absl::StrCat("/proc/", proxy_->process().pid(), "/fd");
    DIR* folder = opendir(path.c_str());
    size_t count = 0;
    while (folder != nullptr && readdir(folder) != nullptr) ++count;
    if (folder != nullptr) closedir(folder);
    return count;
  }
  uint64_t Allocated() {
    const std::string memory = proxy_->AdminGet("/memory");
    const size_t at = memory.find("\"allocated\": \"");
    return at == std::string::npos ? 0 : std::stoul(memory.substr(at + 14));
  }

  // Gauges of what is under way, or open towards anybody but the control plane and the admin.
  std::string LeftOvers() {
    std::string left;
    const std::string stats = proxy_->AdminGet("/stats");
    for (const absl::string_view line : absl::StrSplit(stats, '\n')) {
      const std::pair<absl::string_view, absl::string_view> pair =
          absl::StrSplit(line, absl::MaxSplits(": ", 1));
      const bool watched = absl::EndsWith(pair.first, "_rq_active") ||
                           absl::EndsWith(pair.first, "_rq_pending_active") ||
                           absl::EndsWith(pair.first, "_cx_active") ||
                           absl::EndsWith(pair.first, "_rq_retry_active");
      if (!watched || pair.second == "0" || absl::StartsWith(pair.first, "http.admin") ||
          absl::StrContains(pair.first, "admin")) {
        continue;
      }
      absl::StrAppend(&left, line, "\n");
    }
    return left;
  }

  base::Random random_;
  Ledger ledger_;
  std::vector<std::unique_ptr<ChaosOrigin>> origins_;
  ChaosOrigin anchor_{ledger_, 1};
  FakeDnsServer dns_;
  FakeControlPlane plane_;
  BrokenWire wire_;
  ChaosWorld world_;
  size_t steady_ = 0;  // The origin that is good now, one of the first kAlways.
  std::optional<ProxyProcess> proxy_;
};

TEST_P(ChaosTest, EveryPromiseIsKeptAndNothingIsLeft) {
  ASSERT_TRUE(proxy_->started());
  const size_t descriptors = Descriptors();
  const uint64_t allocated = Allocated();
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::seconds(FromEnvironment("PROXENOS_CHAOS_SECONDS"));
  ChaosClients clients(ledger_, world_.port, kClients, static_cast<uint64_t>(GetParam()));
  int steps = 0;
  while (!ledger_.failed() && (steps < kSteps || std::chrono::steady_clock::now() < end)) {
    ++steps;
    Step();
    ASSERT_TRUE(ledger_.WaitForMore(kRequestsAStep));
    ASSERT_FALSE(proxy_->process().HasEnded());
  }
  Recover();
  clients.Stop();
  ASSERT_FALSE(ledger_.failed()) << "seed " << GetParam() << ", step " << steps << "\n"
                                 << ledger_.failures();
  const uint64_t held = Allocated();
  for (const auto& origin : origins_) origin->Kill();
  anchor_.Kill();
  world_.inner_listener = false;  // The hop keeps a connection for the next request.
  Push();
  EXPECT_TRUE(Eventually([this] { return LeftOvers().empty(); })) << LeftOvers();
  EXPECT_TRUE(Eventually([&] { return Descriptors() <= descriptors; }))
      << Descriptors() << " descriptors, " << descriptors << " at first";
  EXPECT_LT(Allocated(), allocated + kMemoryBound);
  std::cerr << "seed " << GetParam() << ": " << steps << " steps, " << ledger_.ended()
            << " requests: " << clients.Account() << "; memory " << allocated << " before, " << held
            << " at the end of the load, " << Allocated() << " after; descriptors " << descriptors
            << " before, " << Descriptors() << " after\n";
  EXPECT_EQ(proxy_->Terminate(), 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ChaosTest, ::testing::ValuesIn(Seeds()));

}  // namespace
}  // namespace proxenos::testing
