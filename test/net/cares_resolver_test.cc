// The real c-ares against a name server in this process: right answers, wrong ones, and none.
#include "source/net/cares_resolver.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/clock.h"
#include "source/event/event_loop.h"
#include "source/net/dns_resolvers.h"
#include "test/support/fake_dns_server.h"

namespace proxenos::net {
namespace {

using proxenos::testing::DnsScript;
using proxenos::testing::FakeDnsServer;
using Texts = std::vector<std::string>;

class CaresResolverTest : public ::testing::Test {
 protected:
  CaresResolverTest() {
    options_.servers = {server_.address()};
    options_.no_search_domains = true;
    // Long enough that a busy machine does not fail a test, unless it waits for it.
    options_.query_timeout = 20 * base::kSecond;
    options_.query_tries = 1;
  }

  CaresResolver& resolver() {
    if (resolver_ == nullptr) resolver_ = std::make_unique<CaresResolver>(loop_, options_);
    return *resolver_;
  }

  template <typename Condition>
  void RunUntil(Condition condition) {
    for (int i = 0; i < 3000 && !condition(); ++i) loop_.RunOnce(10 * base::kMillisecond);
    ASSERT_TRUE(condition());
  }

  DnsAnswer Ask(const std::string& name, DnsFamily family = DnsFamily::kV4Only) {
    std::optional<DnsAnswer> answer;
    const auto query =
        resolver().Resolve(name, family, [&answer](DnsAnswer got) { answer = std::move(got); });
    EXPECT_FALSE(answer.has_value()) << "told inside the downcall";
    RunUntil([&answer] { return answer.has_value(); });
    return answer.value_or(DnsAnswer());
  }

  static Texts Ips(const DnsAnswer& answer) {
    Texts texts;
    for (const Address& address : answer.addresses) {
      EXPECT_EQ(address.port(), 0);
      texts.push_back(address.IpString());
    }
    return texts;
  }

  FakeDnsServer server_;
  base::RealClock clock_;
  event::EventLoop loop_{clock_};
  DnsOptions options_;
  std::unique_ptr<CaresResolver> resolver_;
};

TEST_F(CaresResolverTest, AnswersInTheOrderOfTheServer) {
  server_.Set("db.example", {.v4 = {"10.0.0.2", "10.0.0.1", "10.0.0.2"}, .ttl = 7});
  const DnsAnswer answer = Ask("db.example");
  EXPECT_EQ(answer.status, DnsStatus::kOk);
  EXPECT_EQ(Ips(answer), (Texts{"10.0.0.2", "10.0.0.1"}));
  EXPECT_EQ(answer.ttl, 7 * base::kSecond);
}

TEST_F(CaresResolverTest, FamiliesAreAskedInTheirOrder) {
  server_.Set("both", {.v4 = {"10.0.0.1"}, .v6 = {"2001:db8::1"}});
  server_.Set("four", {.v4 = {"10.0.0.4"}});
  server_.Set("six", {.v6 = {"2001:db8::6"}});
  EXPECT_EQ(Ips(Ask("both", DnsFamily::kAuto)), (Texts{"2001:db8::1"}));
  EXPECT_EQ(Ips(Ask("four", DnsFamily::kAuto)), (Texts{"10.0.0.4"}));
  EXPECT_EQ(Ips(Ask("both", DnsFamily::kV4Preferred)), (Texts{"10.0.0.1"}));
  EXPECT_EQ(Ips(Ask("six", DnsFamily::kV4Preferred)), (Texts{"2001:db8::6"}));
  EXPECT_EQ(Ips(Ask("both", DnsFamily::kV4Only)), (Texts{"10.0.0.1"}));
  EXPECT_EQ(Ips(Ask("both", DnsFamily::kV6Only)), (Texts{"2001:db8::1"}));
  EXPECT_EQ(Ips(Ask("both", DnsFamily::kAll)), (Texts{"10.0.0.1", "2001:db8::1"}));
  EXPECT_EQ(Ips(Ask("six", DnsFamily::kV4Only)), Texts{});
  EXPECT_EQ(server_.Questions(),
            (Texts{"both AAAA", "four AAAA", "four A", "both A", "six A", "six AAAA", "both A",
                   "both AAAA", "both A", "both AAAA", "six A"}));
}

TEST_F(CaresResolverTest, TheLeastTtlOfAllRecordsCounts) {
  server_.Set("alias", {.v4 = {"10.0.0.1"}, .ttl = 90, .cname = "real.example", .cname_ttl = 30});
  EXPECT_EQ(Ask("alias").ttl, 30 * base::kSecond);
  server_.Set("both", {.v4 = {"10.0.0.1"}, .v6 = {"::2"}, .ttl = 0});
  EXPECT_EQ(Ask("both", DnsFamily::kAll).ttl, base::kNever);  // Zero says nothing.
}

TEST_F(CaresResolverTest, ANameThatDoesNotExistIsAnAnswer) {
  server_.Set("empty", {});
  for (const char* name : {"nowhere", "empty"}) {
    const DnsAnswer answer = Ask(name, DnsFamily::kAuto);
    EXPECT_EQ(answer.status, DnsStatus::kOk) << name;
    EXPECT_TRUE(answer.addresses.empty()) << name;
  }
}

TEST_F(CaresResolverTest, ServersThatFailAreAFailure) {
  server_.Set("broken", {.rcode = 2});
  const DnsAnswer answer = Ask("broken", DnsFamily::kAuto);
  EXPECT_EQ(answer.status, DnsStatus::kFailed);
  EXPECT_NE(answer.error, "");
}

TEST_F(CaresResolverTest, HalfAFailureIsNotAnEmptyAnswer) {
  // IPv6 fails, IPv4 has nothing: nobody knows that there are no addresses.
  options_.query_timeout = 50 * base::kMillisecond;
  server_.Set("half", {.garbage = "x"});
  EXPECT_NE(Ask("half", DnsFamily::kAll).status, DnsStatus::kOk);
}

TEST_F(CaresResolverTest, TruncatedAnswersAreFetchedOverTcp) {
  DnsScript script{.truncated = true};
  for (int i = 1; i <= 100; ++i) script.v4.push_back("10.0.1." + std::to_string(i));
  server_.Set("large", script);
  EXPECT_EQ(Ask("large").addresses.size(), 100u);
  EXPECT_EQ(server_.Questions(), (Texts{"large A", "large A/tcp"}));
}

TEST_F(CaresResolverTest, TcpFromTheStart) {
  options_.use_tcp = true;
  server_.Set("db", {.v4 = {"10.0.0.1"}});
  EXPECT_EQ(Ips(Ask("db")), (Texts{"10.0.0.1"}));
  EXPECT_EQ(server_.Questions(), (Texts{"db A/tcp"}));
}

TEST_F(CaresResolverTest, GarbageIsNoAnswer) {
  options_.query_timeout = 50 * base::kMillisecond;
  const std::string garbage[] = {
      "x", std::string(3000, '\xff'), std::string("\x81\x80\0\1\xff\xff\0\0\0\0", 10),
      std::string("\x81\x80\0\1\0\1\0\0\0\0\1a\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\1\0\xff", 29)};
  for (const std::string& bytes : garbage) {
    server_.Set("a", {.garbage = bytes});
    const DnsAnswer answer = Ask("a");
    EXPECT_NE(answer.status, DnsStatus::kOk);
    EXPECT_TRUE(answer.addresses.empty());
  }
}

TEST_F(CaresResolverTest, AnswersToOtherQuestionsAreNotTaken) {
  options_.query_timeout = 50 * base::kMillisecond;
  server_.Set("db", {.v4 = {"6.6.6.6"}, .wrong_id = true});
  EXPECT_EQ(Ask("db").status, DnsStatus::kTimeout);
}

TEST_F(CaresResolverTest, SilenceTimesOut) {
  options_.query_timeout = 20 * base::kMillisecond;
  options_.query_tries = 2;
  server_.Set("silent", {.drop = true});
  const DnsAnswer answer = Ask("silent");
  EXPECT_EQ(answer.status, DnsStatus::kTimeout);
  EXPECT_EQ(server_.Questions(), (Texts{"silent A", "silent A"}));
}

TEST_F(CaresResolverTest, NumericNamesNeedNoServer) {
  EXPECT_EQ(Ips(Ask("10.1.2.3", DnsFamily::kAuto)), (Texts{"10.1.2.3"}));
  EXPECT_EQ(Ips(Ask("::1", DnsFamily::kAll)), (Texts{"::1"}));
  EXPECT_EQ(Ips(Ask("::1", DnsFamily::kV4Only)), Texts{});
  EXPECT_EQ(server_.Questions(), Texts{});
}

TEST_F(CaresResolverTest, HostsFileComesFirst) {
  const DnsAnswer answer = Ask("localhost");
  EXPECT_EQ(Ips(answer), (Texts{"127.0.0.1"}));
  EXPECT_EQ(answer.ttl, base::kNever);
  EXPECT_EQ(server_.Questions(), Texts{});
}

TEST_F(CaresResolverTest, NamesThatNoServerCanKnow) {
  EXPECT_TRUE(Ask(std::string(300, 'a')).addresses.empty());
  EXPECT_TRUE(Ask("a..b").addresses.empty());
  EXPECT_TRUE(Ask("").addresses.empty());
}

TEST_F(CaresResolverTest, DestroyingTheHandleCancels) {
  server_.Set("slow", {.v4 = {"10.0.0.1"}, .hold = true});
  bool told = false;
  auto query = resolver().Resolve("slow", DnsFamily::kV4Only, [&told](DnsAnswer) { told = true; });
  RunUntil([this] { return !server_.Questions().empty(); });
  query = nullptr;
  server_.Release();
  RunUntil([this] { return resolver().in_flight() == 0; });
  loop_.RunOnce(0);
  EXPECT_FALSE(told);
}

TEST_F(CaresResolverTest, CancelledBeforeItBegins) {
  bool told = false;
  resolver().Resolve("db", DnsFamily::kV4Only, [&told](DnsAnswer) { told = true; });
  resolver().Resolve("10.0.0.1", DnsFamily::kV4Only, [&told](DnsAnswer) { told = true; });
  loop_.RunOnce(0);
  loop_.RunOnce(0);
  EXPECT_FALSE(told);
  EXPECT_EQ(server_.Questions(), Texts{});
}

TEST_F(CaresResolverTest, TheHandleMayDieInItsOwnCallback) {
  server_.Set("db", {.v4 = {"10.0.0.1"}});
  std::unique_ptr<DnsQuery> query;
  bool told = false;
  query = resolver().Resolve("db", DnsFamily::kV4Only, [&query, &told](DnsAnswer) {
    query = nullptr;
    told = true;
  });
  RunUntil([&told] { return told; });
}

TEST_F(CaresResolverTest, TheResolverMayDieWithCancelledQueriesUnderWay) {
  server_.Set("slow", {.hold = true});
  auto query = resolver().Resolve("slow", DnsFamily::kV4Only, [](DnsAnswer) {});
  RunUntil([this] { return !server_.Questions().empty(); });
  query = nullptr;
  resolver_ = nullptr;
  loop_.RunOnce(0);
}

TEST_F(CaresResolverTest, ManyNamesWaitInLine) {
  constexpr size_t kNames = 2000;
  size_t answered = 0;
  uint32_t most = 0;
  std::vector<std::unique_ptr<DnsQuery>> queries;
  for (size_t i = 0; i < kNames; ++i) {
    const std::string name = "n" + std::to_string(i);
    server_.Set(name, {.v4 = {"10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250)}});
    queries.push_back(
        resolver().Resolve(name, DnsFamily::kV4Only, [this, &answered, &most](DnsAnswer answer) {
          answered += answer.addresses.size();
          most = std::max(most, resolver().in_flight());
        }));
  }
  RunUntil([&answered] { return answered == kNames; });
  EXPECT_LE(most, CaresResolver::kMaxInFlight);
}

TEST_F(CaresResolverTest, ASocketAsksNoMoreThanItMay) {
  options_.udp_max_queries = 2;
  std::vector<std::unique_ptr<DnsQuery>> queries;
  size_t answered = 0;
  for (int i = 0; i < 6; ++i) {
    const std::string name = "n" + std::to_string(i);
    server_.Set(name, {.v4 = {"10.0.0.1"}});
    queries.push_back(resolver().Resolve(name, DnsFamily::kV4Only, [&answered](DnsAnswer answer) {
      answered += answer.addresses.size();
    }));
  }
  RunUntil([&answered] { return answered == 6; });
  std::map<uint16_t, int> asked;
  for (const auto& each : server_.Datagrams()) ++asked[each.port];
  EXPECT_GE(asked.size(), 3u);
  for (const auto& [port, count] : asked) EXPECT_LE(count, 2) << port;
}

TEST_F(CaresResolverTest, OldSocketsAreGivenUp) {
  options_.channel_age = 1;  // At once.
  server_.Set("db", {.v4 = {"10.0.0.1"}});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Ips(Ask("db")), (Texts{"10.0.0.1"}));
  const auto asked = server_.Datagrams();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_NE(asked[0].port, asked[1].port);
}

TEST_F(CaresResolverTest, Edns0SaysHowLargeAnAnswerMayBe) {
  options_.edns_payload = 1400;
  server_.Set("db", {.v4 = {"10.0.0.1"}});
  EXPECT_EQ(Ips(Ask("db")), (Texts{"10.0.0.1"}));
  const std::string question = server_.Datagrams().at(0).bytes;
  // RFC 6891, section 6.1.2: no name, the type 41, and the size in the place of the class.
  EXPECT_NE(question.find(std::string("\0\0\x29\x05\x78", 5)), std::string::npos);
}

TEST_F(CaresResolverTest, EqualOptionsShareAResolver) {
  server_.Set("db", {.v4 = {"10.0.0.1"}});
  DnsResolvers resolvers(loop_);
  auto first = resolvers.Share(options_);
  const auto second = resolvers.Share(options_);
  EXPECT_EQ(resolvers.size(), 1u);
  DnsOptions others = options_;
  others.use_tcp = true;
  auto third = resolvers.Share(others);
  EXPECT_EQ(resolvers.size(), 2u);
  third = nullptr;
  EXPECT_EQ(resolvers.size(), 1u);
  first = nullptr;  // The other share keeps it.
  bool told = false;
  const auto query = second->Resolve(
      "db", DnsFamily::kV4Only, [&told](DnsAnswer answer) { told = answer.addresses.size() == 1; });
  RunUntil([&told] { return told; });
}

}  // namespace
}  // namespace proxenos::net
