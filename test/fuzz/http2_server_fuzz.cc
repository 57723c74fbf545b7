// Bytes of a client to a server's session: however they are cut, the same requests come out; limits
// hold; and what the session answers is whole frames.
//
// The first byte chooses the options and what the server does with requests; the second, whether
// the bytes of a preface are put in front.
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
  options.allow_connect = (choice & 2) != 0;
  options.max_head_bytes = (choice & 4) != 0 ? 600 : 60 * 1024;
  options.enable_trailers = (choice & 8) == 0;
  options.underscores = (choice & 16) != 0 ? Underscores::kReject : Underscores::kAllow;
  options.initial_stream_window = 65536;
  options.initial_connection_window = 65536;
  return options;
}

// What came of `input`, as text; nothing of it may depend on the cut.
std::string Run(absl::string_view input, uint8_t choice, Cut cut) {
  ServerPeer server(OptionsOf(choice));
  server.refuse = (choice & 32) != 0;
  Feed(server.session, input, cut);
  std::string outcome = server.AllRequests();
  const bool goaway = absl::StrContains(server.TakeLog(), "goaway");
  absl::StrAppend(&outcome, goaway ? "goaway\n" : "", "malformed ",
                  server.stats.rx_messaging_error.value(), "\n");
  absl::StrAppend(&outcome, "error ", static_cast<uint32_t>(server.session.error()), "\n");
  if (absl::StrContains(server.session.detail(), "_flood")) outcome += "flood\n";
  if ((choice & 64) != 0) server.RespondToAll();
  ReadFrames(Produced(server.session));
  CHECK(!server.session.wants_write());
  CHECK(server.session.active_streams() <= server.options.max_concurrent_streams);
  return outcome;
}

// Whether two ways of cutting had the same effect. What may depend on the cut: PINGs and SETTINGS
// are earned by reads; a body may be found longer than was said when some of it was given already;
// behind a GOAWAY nothing needs to be read; and what of a read is looked at before the connection
// is ended for something in it.
bool SameEffect(const std::string& a, const std::string& b) {
  for (const std::string& outcome : {a, b}) {
    if (absl::StrContains(outcome, "flood\n") || absl::StrContains(outcome, "goaway\n") ||
        !absl::StrContains(outcome, "malformed 0\n")) {
      return true;
    }
  }
  const bool whole_ended = !absl::StrContains(a, "error 0\n");
  return whole_ended ? !absl::StrContains(b, "error 0\n") : a == b;
}

}  // namespace
}  // namespace proxenos::http2

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proxenos::http2;
  if (size < 2) return 0;
  const uint8_t choice = data[0];
  std::string input = (data[1] & 1) != 0 ? FrameBuilder().Preface().Take() : std::string();
  input.append(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string whole = Run(input, choice, Cut::Whole());
  for (const Cut cut :
       {Cut::ByteByByte(), Cut::Random(static_cast<uint32_t>(size) * 31 + choice)}) {
    CHECK(SameEffect(whole, Run(input, choice, cut)));
  }
  return 0;
}
