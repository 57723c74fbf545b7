// Bytes of a server to a client's session with three requests under way.
//
// The first byte chooses the options and the requests; the second, whether a SETTINGS frame is put
// in front.
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "test/http2/frame_builder.h"
#include "test/http2/peers.h"

namespace proxenos::http2 {
namespace {

Options OptionsOf(uint8_t choice) {
  Options options;
  options.stream_error_on_invalid_message = (choice & 1) != 0;
  options.max_head_bytes = (choice & 2) != 0 ? 600 : 60 * 1024;
  options.enable_trailers = (choice & 4) == 0;
  return options;
}

void Begin(ClientPeer& client, http::Method method, absl::string_view text, bool end) {
  buffer::Arena arena;
  http::RequestHead head(arena);
  head.method = method;
  head.method_text = text;
  head.authority = "a:1";
  head.path = method == http::Method::kConnect ? "" : "/";
  client.Send(head, end);
}

std::string Run(absl::string_view input, uint8_t choice, Cut cut) {
  ClientPeer client(OptionsOf(choice));
  Begin(client, http::Method::kGet, "GET", true);
  Begin(client, (choice & 8) != 0 ? http::Method::kHead : http::Method::kPost,
        (choice & 8) != 0 ? "HEAD" : "POST", (choice & 16) != 0);
  Begin(client, http::Method::kConnect, "CONNECT", false);
  Produced(client.session);
  if ((choice & 32) != 0) client.session.Detach(1);
  Feed(client.session, input, cut);
  std::string outcome;
  for (StreamId id : {1, 3, 5}) absl::StrAppend(&outcome, id, " ", client.Response(id), "\n");
  const bool goaway = absl::StrContains(client.TakeLog(), "goaway");
  absl::StrAppend(&outcome, goaway ? "goaway\n" : "", "malformed ",
                  client.stats.rx_messaging_error.value(), "\n");
  absl::StrAppend(&outcome, "error ", static_cast<uint32_t>(client.session.error()), "\n");
  if (absl::StrContains(client.session.detail(), "_flood")) outcome += "flood\n";
  ReadFrames(Produced(client.session));
  CHECK(!client.session.wants_write());
  return outcome;
}

// As in http2_server_fuzz.
bool SameEffect(const std::string& a, const std::string& b) {
  for (const std::string& outcome : {a, b}) {
    if (absl::StrContains(outcome, "flood\n") || absl::StrContains(outcome, "goaway\n") ||
        !absl::StrContains(outcome, "malformed 0\n")) {
      return true;
    }
  }
  return a == b;
}

}  // namespace
}  // namespace proxenos::http2

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proxenos::http2;
  if (size < 2) return 0;
  const uint8_t choice = data[0];
  std::string input = (data[1] & 1) != 0 ? FrameBuilder().Settings({}).Take() : std::string();
  input.append(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string whole = Run(input, choice, Cut::Whole());
  for (const Cut cut :
       {Cut::ByteByByte(), Cut::Random(static_cast<uint32_t>(size) * 31 + choice)}) {
    CHECK(SameEffect(whole, Run(input, choice, cut)));
  }
  return 0;
}
