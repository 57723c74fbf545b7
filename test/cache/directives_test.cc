// Cache directives as they are and as they should not be.
#include "source/cache/directives.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "test/cache/heads.h"

namespace proxenos::cache {
namespace {

constexpr absl::string_view kTargets[] = {"example-cache-control", "cdn-cache-control"};

// What matters, as one line: only what is set.
std::string Text(const ResponseDirectives& d) {
  std::string text;
  const auto seconds = [&](absl::string_view name, const Seconds& s) {
    if (s.present) absl::StrAppend(&text, name, "=", s.valid ? absl::StrCat(s.value) : "bad", " ");
  };
  const auto flag = [&](absl::string_view name, bool set) {
    if (set) absl::StrAppend(&text, name, " ");
  };
  seconds("max-age", d.max_age);
  seconds("s-maxage", d.s_maxage);
  seconds("swr", d.stale_while_revalidate);
  seconds("sie", d.stale_if_error);
  flag("no-store", d.no_store);
  flag("no-cache", d.no_cache);
  flag("private", d.is_private);
  flag("public", d.is_public);
  flag("must-revalidate", d.must_revalidate);
  flag("proxy-revalidate", d.proxy_revalidate);
  flag("must-understand", d.must_understand);
  flag("targeted", d.targeted);
  for (const absl::string_view field : d.withheld_fields) absl::StrAppend(&text, "-", field, " ");
  return text.empty() ? text : text.substr(0, text.size() - 1);
}

std::string Read(FieldList fields) {
  const auto heads = Response(200, fields);
  return Text(ReadResponseDirectives(heads->response.headers, kTargets));
}
std::string Control(absl::string_view value) { return Read({{"cache-control", value}}); }

TEST(DirectivesTest, NamesInAnyCaseAndEitherArgumentForm) {
  EXPECT_EQ(Control("max-age=60"), "max-age=60");
  EXPECT_EQ(Control("MaX-aGe=60 , PUBLIC"), "max-age=60 public");
  EXPECT_EQ(Control("max-age=\"60\""), "max-age=60");
  EXPECT_EQ(Control("max-age=0060"), "max-age=60");
  EXPECT_EQ(Control(",, foo, bar=baz, s-maxage=5,"), "s-maxage=5");
  EXPECT_EQ(Control("stale-while-revalidate=3, stale-if-error=4"), "swr=3 sie=4");
  EXPECT_EQ(Control("must-revalidate,proxy-revalidate,must-understand,no-store"),
            "no-store must-revalidate proxy-revalidate must-understand");
  EXPECT_EQ(Read({{"cache-control", "max-age=1"}, {"cache-control", "public"}}),
            "max-age=1 public");
}

TEST(DirectivesTest, WhatIsNoNumberIsNoLifetime) {
  for (const char* bad :
       {"max-age", "max-age=", "max-age=a1", "max-age=1a", "max-age=-1", "max-age='1'",
        "max-age=1.0", "max-age =1", "max-age= 1", "max-age=\"1", "max-age=+1", "max-age=1 2"}) {
    EXPECT_EQ(Control(bad), "max-age=bad") << bad;
  }
  EXPECT_EQ(Control("max-age=2147483647"), "max-age=2147483647");
  EXPECT_EQ(Control("max-age=99999999999999999999999"), "max-age=2147483648");
}

TEST(DirectivesTest, TheFirstOfTwoCounts) {
  EXPECT_EQ(Control("max-age=1, max-age=100"), "max-age=1");
  EXPECT_EQ(Control("max-age=x, max-age=100"), "max-age=bad");
  EXPECT_EQ(Read({{"cache-control", "max-age=100"}, {"cache-control", "max-age=1"}}),
            "max-age=100");
}

TEST(DirectivesTest, QuotedTextIsNoDirective) {
  EXPECT_EQ(Control("ext=\"max-age=100, no-store\", max-age=1"), "max-age=1");
  EXPECT_EQ(Control("ext=\"a\\\", no-store\", max-age=1"), "max-age=1");
  EXPECT_EQ(Control("max-age=1, ext=\"no-store"), "max-age=1");
}

// Others split at each comma, or see the no-store that stands in a quoted string without end.
TEST(DirectivesTest, AQuoteThatDoesNotEndHidesNothing) {
  EXPECT_EQ(Control("max-age=60, x=\", no-store"), "max-age=60 no-store");
  EXPECT_EQ(Control("x=\"a, private, max-age=60"), "max-age=60 private");
  EXPECT_EQ(Control("max-age=60, no-cache=\"a, b"), "max-age=60 no-cache");
  EXPECT_EQ(Control("x=\"a\\\", no-store"), "no-store");
  EXPECT_EQ(Control("x=\"a\\\", no-store\", max-age=60"), "max-age=60");
}

TEST(DirectivesTest, SemicolonsAndBlanksForCommasHideNothing) {
  EXPECT_EQ(Control("no-store; max-age=60"), "max-age=bad no-store");
  EXPECT_EQ(Control("max-age=60;no-store"), "max-age=bad no-store");
  EXPECT_EQ(Control("max-age=60, private;"), "max-age=60 private");
  EXPECT_EQ(Control("no-cache no-store"), "no-store no-cache");
  EXPECT_EQ(Control("max-age=60, x;\tmust-revalidate"), "max-age=60 must-revalidate");
  EXPECT_EQ(Control("private; x=\"a\""), "private");
  // And allow nothing.
  EXPECT_EQ(Control("public; s-maxage=60 must-understand"), "s-maxage=bad");
  EXPECT_EQ(Control("x=\"a; no-store b\", max-age=60"), "max-age=60");
  EXPECT_EQ(Control("private=\"a;b c\", max-age=60"), "max-age=60 private");
}

TEST(DirectivesTest, QualifiedOnesNameFields) {
  EXPECT_EQ(Control("no-cache=\"a, Set-Cookie\", max-age=1"), "max-age=1 -a -Set-Cookie");
  EXPECT_EQ(Control("private=\"x\""), "-x");
  // Whatever cannot be read as a list of fields holds for all of it.
  EXPECT_EQ(Control("private"), "private");
  EXPECT_EQ(Control("private=x"), "private");
  EXPECT_EQ(Control("private=\"\""), "private");
  EXPECT_EQ(Control("private=\"a b\""), "private");
  EXPECT_EQ(Control("no-cache=\"a"), "no-cache");
  EXPECT_EQ(Control("no-cache=\"a\", no-cache"), "no-cache -a");
}

TEST(DirectivesTest, WhatAllowsMustSayJustThat) {
  EXPECT_EQ(Control("public=1, must-understand=yes"), "");
  EXPECT_EQ(Control("no-store=1, no-cache =x, must-revalidate=0"),
            "no-store no-cache must-revalidate");
}

TEST(DirectivesTest, TargetedFieldsTakeThePlaceOfCacheControl) {
  EXPECT_EQ(Read({{"cache-control", "no-store"}, {"cdn-cache-control", "max-age=60"}}),
            "max-age=60 targeted");
  EXPECT_EQ(Read({{"cdn-cache-control", "max-age=60"}, {"example-cache-control", "no-store"}}),
            "no-store targeted");
  EXPECT_EQ(Read({{"cdn-cache-control", "max-age=60;ext=1 ,public"}, {"cache-control", "private"}}),
            "max-age=60 public targeted");
  EXPECT_EQ(Read({{"cdn-cache-control", "max-age=1"}, {"cdn-cache-control", "s-maxage=2"}}),
            "max-age=1 s-maxage=2 targeted");
  // The last of one key counts in a dictionary.
  EXPECT_EQ(Read({{"cdn-cache-control", "max-age=1, max-age=2"}}), "max-age=2 targeted");
  EXPECT_EQ(Read({{"cdn-cache-control", "no-store=?0, no-cache=?1"}}), "no-cache targeted");
  EXPECT_EQ(Read({{"cdn-cache-control", "no-cache=\"a\""}}), "targeted -a");
}

TEST(DirectivesTest, TargetedFieldsThatAreNoneAreIgnored) {
  for (const char* bad : {"", " ", "max-age=60, &&&&", "max-age=\"60\"", "max-age =60",
                          "max-age= 60", "MaX-aGe=60", "max-age=60,", "max-age=6.5",
                          "max-age=1234567890123456", "a=(1 2", "a=\"x", "a=?2", "a=:%:"}) {
    EXPECT_EQ(Read({{"cdn-cache-control", bad}, {"cache-control", "max-age=5"}}), "max-age=5")
        << bad;
  }
  for (const char* good :
       {"a=(1 \"b\";c=2 d);e, max-age=60", "a=:YQ==:, max-age=60", "a=@16, max-age=60",
        "a=%\"f%c3%bc\", max-age=60", "a=*t/x:y;p;q=1.5,\tmax-age=60 ", "a=-1.5, max-age=60"}) {
    EXPECT_EQ(Read({{"cdn-cache-control", good}}), "max-age=60 targeted") << good;
  }
}

RequestDirectives Asked(FieldList fields) {
  const auto heads = Request(fields);
  return ReadRequestDirectives(heads->request.headers);
}

TEST(DirectivesTest, OfRequests) {
  const RequestDirectives all = Asked({{"cache-control",
                                        "max-age=1, min-fresh=2, max-stale=3, no-store, "
                                        "only-if-cached, stale-if-error=4"}});
  EXPECT_EQ(all.max_age.value, 1);
  EXPECT_EQ(all.min_fresh.value, 2);
  EXPECT_EQ(all.max_stale.value, 3);
  EXPECT_EQ(all.stale_if_error.value, 4);
  EXPECT_TRUE(all.no_store && all.only_if_cached && !all.no_cache && !all.any_stale);
  EXPECT_TRUE(Asked({{"cache-control", "max-stale"}}).any_stale);
  EXPECT_FALSE(Asked({{"cache-control", "max-stale=x"}}).any_stale);
  EXPECT_FALSE(Asked({{"cache-control", "max-stale; x"}}).any_stale);
  EXPECT_TRUE(Asked({{"cache-control", "no-cache; no-store"}}).no_store);
  EXPECT_TRUE(Asked({{"pragma", "foo, No-Cache"}}).no_cache);
  EXPECT_FALSE(Asked({{"pragma", "no-cache"}, {"cache-control", "foo"}}).no_cache);
  EXPECT_FALSE(Asked({{"pragma", "foo"}}).no_cache);
}

TEST(DirectivesTest, MembersOfLists) {
  std::vector<std::string> members;
  ForEachMember(" a,\"b,c\" ,, d=\"e\\\",f\",\t", [&](absl::string_view member) {
    members.emplace_back(member);
    return true;
  });
  EXPECT_EQ(members, (std::vector<std::string>{"a", "\"b,c\"", "d=\"e\\\",f\""}));
  members.clear();
  ForEachMember("\"a\\", [&](absl::string_view member) {
    members.emplace_back(member);
    return true;
  });
  EXPECT_EQ(members, (std::vector<std::string>{"\"a\\"}));
  members.clear();
  ForEachMember("\"a,b\", c=\"d, \\\"e, f", [&](absl::string_view member) {
    members.emplace_back(member);
    return true;
  });
  EXPECT_EQ(members, (std::vector<std::string>{"\"a,b\"", "c=\"d", "\\\"e", "f"}));
}

}  // namespace
}  // namespace proxenos::cache
