// ErrorPages: which page takes the place of a response, by its status and who made it, and in
// which of its forms. Thread: any (immutable once compiled).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/filters/http/shield/name_set.h"
#include "source/http/header_map.h"

namespace proxenos::filters::shield {

struct ErrorPage {
  struct Body {
    std::string text;
    std::string content_type;
    // Of content_type, in lower case, without parameters: "text" and "html".
    std::string type;
    std::string subtype;
  };
  std::vector<Body> bodies;  // At least one.
  uint16_t status = 0;       // 0: that of the response.

  // What the request's Accept likes most (RFC 9110, section 12.5.1); of equals, and where it likes
  // none, the first.
  const Body& Choose(const http::HeaderMap& request) const;
};

class ErrorPages {
 public:
  static constexpr uint16_t kFirstStatus = 400;
  static constexpr uint16_t kLastStatus = 599;
  static constexpr size_t kMaxPages = 64;

  // Where several cover a response, the one that was added first holds. REQUIRES: first <= last,
  // within the bounds; less than kMaxPages so far.
  void Add(ErrorPage page);
  void Cover(uint16_t first, uint16_t last, bool local, bool origin);

  bool empty() const { return pages_.empty(); }
  // Null: the response stays.
  const ErrorPage* Find(uint16_t status, bool local) const {
    if (status < kFirstStatus || status > kLastStatus) return nullptr;
    const uint8_t index = (local ? local_ : origin_)[status - kFirstStatus];
    return index == 0 ? nullptr : &pages_[index - 1];
  }

 private:
  using Table = std::array<uint8_t, kLastStatus - kFirstStatus + 1>;

  std::vector<ErrorPage> pages_;
  // By status: a page's index more one; 0: none.
  Table local_{};
  Table origin_{};
};

// Whether a field speaks of the body that a page takes the place of (RFC 9110, section 8): those
// go with it, all others stay.
bool IsOfBody(const http::Header& header);

}  // namespace proxenos::filters::shield
