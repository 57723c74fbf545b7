// StreamHistory: what became of the streams that a client opened, as far as the rules about frames
// for closed streams need it (RFC 9113, sections 5.1 and 5.1.1). nghttp2 ignores such frames.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace proxenos::http2 {

// Owner: a server's SessionState. Thread: its worker's. Dies with it.
class StreamHistory {
 public:
  enum class Past : uint8_t {
    kNone,     // Newer than all that were opened.
    kSkipped,  // Passed over when a newer one was opened: it can never be used.
    kEnded,    // Over by the client's own doing: nothing more of it may come.
    kGivenUp,  // We reset or refused it: what was on its way may still come.
  };

  // The client opened a stream. Its identifier is larger than any before.
  void Open(int32_t id);
  // RST_STREAM leaves for it.
  void GiveUp(int32_t id);

  // What to make of an identifier that no open stream has.
  Past Of(int32_t id) const;

 private:
  int32_t last_ = -1;
  // Both hold the newest only: an older gap counts as ended. First and last of each gap.
  std::vector<std::pair<int32_t, int32_t>> skipped_;
  std::vector<int32_t> given_up_;
  uint32_t next_skipped_ = 0;
  uint32_t next_given_up_ = 0;
  // The newest that given_up_ had no place for. RFC 9113, section 5.1: who resets a stream has to
  // ignore what was on its way, so what is not known of it and those before it counts as given up.
  int32_t forgotten_ = -1;
};

}  // namespace proxenos::http2
