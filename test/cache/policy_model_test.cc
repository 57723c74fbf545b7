// The policy against a model of RFC 9111 that is written down as the specification reads, without
// regard for speed: random responses and requests, and both must decide the same.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/base/random.h"
#include "source/cache/response_policy.h"
#include "source/http/date.h"
#include "test/cache/heads.h"

namespace proxenos::cache {
namespace {

constexpr int64_t kNow = 1795320701;
constexpr base::WallTime kSecond = 1000000;

// A message as the model sees it: directives by name (empty: without an argument), times as
// numbers relative to kNow.
struct Model {
  uint16_t status = 200;
  std::map<std::string, std::optional<int64_t>> control;
  std::optional<int64_t> date, expires, modified, age;
  bool etag = false;
  bool authorization = false;
  bool range = false;  // The request asked for a part.
  std::map<std::string, std::optional<int64_t>> asked;

  bool Has(const std::string& name) const { return control.contains(name); }
  bool Asks(const std::string& name) const { return asked.contains(name); }
  int64_t DateValue() const { return date.value_or(0); }

  // Section 4.2.1
  int64_t Lifetime() const {
    if (Has("s-maxage")) return *control.at("s-maxage");
    if (Has("max-age")) return *control.at("max-age");
    if (expires) return std::max<int64_t>(0, *expires - DateValue());
    // 4.2.2
    static const std::set<uint16_t> heuristic = {200, 203, 204, 300, 301, 308,
                                                 404, 405, 410, 414, 451, 501};
    const bool may = heuristic.contains(status) || Has("public");
    if (!may || !modified || *modified >= DateValue()) return 0;
    return std::min<int64_t>(86400, (DateValue() - *modified) / 10);
  }

  // Section 3, and what makes sense to store
  bool MayStore() const {
    if (status == 206 || status == 304) return false;
    if (status == 429) return false;  // RFC 6585, section 4
    // Not by the specification, which has no range in the key: what may be about the range alone.
    if (status == 416 || (range && status >= 400 && status != 404 && status != 410)) return false;
    if (Has("no-store") || Has("private") || Asks("no-store")) return false;
    if (authorization && !Has("must-revalidate") && !Has("public") && !Has("s-maxage")) {
      return false;
    }
    static const std::set<uint16_t> heuristic = {200, 203, 204, 300, 301, 308,
                                                 404, 405, 410, 414, 451, 501};
    if (!Has("public") && !expires && !Has("max-age") && !Has("s-maxage") &&
        !heuristic.contains(status)) {
      return false;
    }
    const bool validator = etag || modified;
    if (!validator && (Lifetime() == 0 || Has("no-cache"))) return false;
    return true;
  }

  // Section 4.2.3, some seconds after the response came
  int64_t AgeAfter(int64_t resident) const {
    const int64_t apparent = std::max<int64_t>(0, 0 - DateValue());
    return std::max(apparent, age.value_or(0)) + resident;
  }

  // Section 4
  bool ServesWithoutOrigin(int64_t resident) const {
    if (Asks("no-cache") || Has("no-cache")) return false;
    const int64_t now_age = AgeAfter(resident);
    const int64_t left = Lifetime() - now_age;
    const bool takes_stale = Asks("max-stale");
    if (left > 0) {
      if (Asks("max-age") && !takes_stale &&
          (now_age > *asked.at("max-age") || *asked.at("max-age") == 0)) {
        return false;
      }
      return !Asks("min-fresh") || left >= *asked.at("min-fresh");
    }
    if (Has("must-revalidate") || Has("proxy-revalidate")) return false;
    if (Has("stale-while-revalidate") && !Asks("max-age") && !Asks("min-fresh") &&
        -left < *control.at("stale-while-revalidate")) {
      return true;
    }
    if (Has("s-maxage") || Asks("min-fresh") || !takes_stale) return false;
    return !asked.at("max-stale") || -left <= *asked.at("max-stale");
  }
};

template <typename Choices>
void Choose(base::Random& random, std::map<std::string, std::optional<int64_t>>& out,
            const Choices& flags, const Choices& numbers) {
  for (const char* name : flags) {
    if (random.Below(8) == 0) out[name] = std::nullopt;
  }
  for (const char* name : numbers) {
    if (random.Below(4) == 0) out[name] = static_cast<int64_t>(random.Below(6) * 20);
  }
}

Model Draw(base::Random& random) {
  Model model;
  static constexpr uint16_t kStatuses[] = {200, 200, 200, 206, 302, 304,
                                           404, 410, 416, 429, 500, 599};
  model.status = kStatuses[random.Below(std::size(kStatuses))];
  static const std::vector<const char*> kFlags = {
      "no-store", "no-cache", "private", "public", "must-revalidate", "proxy-revalidate"};
  static const std::vector<const char*> kNumbers = {"max-age", "s-maxage",
                                                    "stale-while-revalidate"};
  Choose(random, model.control, kFlags, kNumbers);
  static const std::vector<const char*> kAskedFlags = {"no-cache", "no-store", "max-stale"};
  static const std::vector<const char*> kAskedNumbers = {"max-age", "min-fresh", "max-stale"};
  if (random.Below(2) == 0) Choose(random, model.asked, kAskedFlags, kAskedNumbers);
  const auto maybe = [&](std::optional<int64_t>& value, int64_t low, uint64_t range) {
    if (random.Below(2) == 0) value = low + static_cast<int64_t>(random.Below(range));
  };
  maybe(model.date, -40, 80);
  maybe(model.expires, -40, 120);
  maybe(model.modified, -2000, 2020);
  maybe(model.age, 0, 60);
  model.etag = random.Below(2) == 0;
  model.authorization = random.Below(4) == 0;
  model.range = random.Below(4) == 0;
  return model;
}

std::string Directives(const std::map<std::string, std::optional<int64_t>>& directives) {
  std::string text;
  for (const auto& [name, value] : directives) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", name);
    if (value) absl::StrAppend(&text, "=", *value);
  }
  return text;
}

void Write(const Model& model, Heads& heads) {
  heads.response.status = model.status;
  const auto add_date = [&](absl::string_view name, const std::optional<int64_t>& at) {
    if (!at) return;
    char text[http::kDateSize];
    http::FormatDate(kNow + *at, text);
    heads.response.headers.Add(name, absl::string_view(text, sizeof(text)));
  };
  heads.response.headers.Add("cache-control", Directives(model.control));
  add_date("date", model.date);
  add_date("expires", model.expires);
  add_date("last-modified", model.modified);
  if (model.age) heads.response.headers.Add("age", absl::StrCat(*model.age));
  if (model.etag) heads.response.headers.Add("etag", "\"a\"");
  if (!model.asked.empty()) heads.request.headers.Add("cache-control", Directives(model.asked));
}

TEST(PolicyModelTest, DecidesAsTheSpecificationReads) {
  base::Random random(20220601);
  int stored = 0, served = 0;
  for (int i = 0; i < 200'000; ++i) {
    const Model model = Draw(random);
    Heads heads;
    Write(model, heads);
    const RequestDirectives asked = ReadRequestDirectives(heads.request.headers);
    const Judgement judgement = JudgeResponse(
        heads.response, {model.authorization, asked.no_store, kNow * kSecond, model.range}, {},
        kNow * kSecond);
    const ResponsePolicy& policy = judgement.policy;
    const StoreVerdict verdict = judgement.verdict;
    const std::string text =
        absl::StrCat(model.status, " response: ", Directives(model.control),
                     " request: ", Directives(model.asked), " date ", model.date.value_or(0));
    ASSERT_EQ(verdict == StoreVerdict::kStore, model.MayStore()) << text;
    ASSERT_EQ(policy.lifetime, model.Lifetime()) << text;
    if (verdict != StoreVerdict::kStore) continue;
    ++stored;
    const int64_t later = static_cast<int64_t>(random.Below(150));
    ASSERT_EQ(policy.AgeAt((kNow + later) * kSecond), model.AgeAfter(later)) << text;
    const Reuse reuse = JudgeReuse(policy, asked, (kNow + later) * kSecond);
    const bool serves =
        reuse == Reuse::kFresh || reuse == Reuse::kStale || reuse == Reuse::kWhileRevalidate;
    ASSERT_EQ(serves, model.ServesWithoutOrigin(later)) << text << " after " << later;
    served += serves;
  }
  EXPECT_GT(stored, 20'000);
  EXPECT_GT(served, 5'000);
}

}  // namespace
}  // namespace proxenos::cache
