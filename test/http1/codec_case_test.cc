// Runs the cases of testdata/*.txt. Each is replayed whole, byte by byte and cut at random, and
// must give the same transcript each time.
//
// A file is a list of cases:
//   == name of the case
//   @ options, if any (see ApplyOption), space-separated
//   > input, with escapes (see Unescape); lines are joined without anything in between
//   transcript lines that are expected, as they are
// Lines that begin with # are comments. Files named request_*.txt hold requests, the others
// responses.
#include <cctype>
#include <fstream>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "source/base/check.h"
#include "test/http1/recorder.h"
#include "test/http1/replay.h"

namespace proxenos::http1 {
namespace {

constexpr char kFolder[] = "test/http1/testdata/";
constexpr const char* kFiles[] = {
    "request_accepted.txt",  "request_bodies.txt",  "request_connection.txt",
    "request_framing.txt",   "request_heads.txt",   "request_limits.txt",
    "request_smuggling.txt", "request_targets.txt", "response_accepted.txt",
    "response_refused.txt",
};
// Above this size byte by byte with a move each time would take too long.
constexpr size_t kMaxMovedBytes = 4096;
constexpr uint32_t kRandomCuts = 20;

struct Case {
  std::string file;
  std::string name;
  std::string input;
  std::string expected;
  RequestDecoderOptions request;
  ResponseDecoderOptions response;
  std::vector<Expectation> expectations;

  bool IsRequest() const { return absl::StartsWith(file, "request"); }
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.file << ": " << c.name; }

void ApplyOption(Case& c, const std::string& option) {
  const std::vector<std::string> parts = absl::StrSplit(option, absl::MaxSplits('=', 1));
  const std::string& key = parts[0];
  uint32_t number = 0;
  if (parts.size() > 1 && absl::SimpleAtoi(parts[1], &number)) {
    if (key == "max_head_bytes") {
      c.request.max_head_bytes = c.response.max_head_bytes = number;
    } else if (key == "max_headers") {
      c.request.max_headers = c.response.max_headers = number;
    } else if (key == "max_target_bytes") {
      c.request.max_target_bytes = number;
    } else if (key == "max_trailer_bytes") {
      c.request.max_trailer_bytes = c.response.max_trailer_bytes = number;
    } else {
      CHECK(false);
    }
  } else if (key == "http10") {
    c.request.accept_http_10 = true;
    if (parts.size() > 1) c.request.default_host_for_http_10 = parts[1];
  } else if (key == "trailers") {
    c.request.enable_trailers = c.response.enable_trailers = true;
  } else if (key == "no_absolute_url") {
    c.request.allow_absolute_url = false;
  } else if (key == "chunked_length") {
    c.request.allow_chunked_length = c.response.allow_chunked_length = true;
  } else if (key == "ignored_upgrade") {
    c.request.ignored_upgrades = std::make_shared<const IgnoredUpgrades>(
        [name = parts[1]](absl::string_view protocol) { return protocol == name; });
  } else if (key == "no_upgrade") {
    c.request.allow_upgrade = false;
  } else if (key == "underscores") {
    c.request.underscores =
        parts[1] == "reject" ? Underscores::kRejectRequest : Underscores::kDropHeader;
  } else if (key == "to") {  // to=GET, to=GET+upgrade: a request that was sent.
    const bool upgrade = absl::EndsWith(parts[1], "+upgrade");
    const std::string method = parts[1].substr(0, parts[1].find('+'));
    c.expectations.push_back(Expectation{http::ParseMethod(method), upgrade});
  } else {
    CHECK(false);
  }
}

std::vector<Case> ReadFile(const std::string& name) {
  std::ifstream file(absl::StrCat(kFolder, name));
  CHECK(file.good());
  std::vector<Case> cases;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (absl::StartsWith(line, "== ")) {
      cases.push_back(Case());
      cases.back().file = name;
      cases.back().name = line.substr(3);
      continue;
    }
    CHECK(!cases.empty());
    Case& c = cases.back();
    if (absl::StartsWith(line, "@ ")) {
      for (absl::string_view option : absl::StrSplit(line.substr(2), ' ', absl::SkipEmpty())) {
        ApplyOption(c, std::string(option));
      }
    } else if (absl::StartsWith(line, "> ")) {
      absl::StrAppend(&c.input, Unescape(line.substr(2)));
    } else {
      absl::StrAppend(&c.expected, line, "\n");
    }
  }
  return cases;
}

std::vector<Case> ReadAll() {
  std::vector<Case> all;
  for (const char* name : kFiles) {
    for (Case& c : ReadFile(name)) all.push_back(std::move(c));
  }
  return all;
}

std::string TestName(const testing::TestParamInfo<Case>& info) {
  std::string name =
      absl::StrCat(info.param.file.substr(0, info.param.file.find('.')), "_", info.param.name);
  for (char& c : name) {
    if (!isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

class CodecCase : public testing::TestWithParam<Case> {
 protected:
  static std::string Replay(const Cut& cut) {
    const Case& c = GetParam();
    if (c.IsRequest()) return ReplayRequests(c.input, c.request, cut);
    // A response belongs to a GET unless the case says otherwise.
    const std::vector<Expectation> one(1);
    return ReplayResponses(c.input, c.response, c.expectations.empty() ? one : c.expectations, cut);
  }
};

TEST_P(CodecCase, Whole) { EXPECT_EQ(Replay(Cut::Whole()), GetParam().expected); }

TEST_P(CodecCase, ByteByByte) {
  EXPECT_EQ(Replay(Cut::ByteByByte(false)), GetParam().expected);
  if (GetParam().input.size() > kMaxMovedBytes) return;
  EXPECT_EQ(Replay(Cut::ByteByByte(true)), GetParam().expected);
}

TEST_P(CodecCase, CutAtRandom) {
  const uint32_t max_piece = GetParam().input.size() > kMaxMovedBytes ? 4096 : 24;
  for (uint32_t seed = 0; seed < kRandomCuts; ++seed) {
    EXPECT_EQ(Replay(Cut::Random(seed, max_piece)), GetParam().expected) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Testdata, CodecCase, testing::ValuesIn(ReadAll()), TestName);

}  // namespace
}  // namespace proxenos::http1
