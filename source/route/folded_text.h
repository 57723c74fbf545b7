// FoldedText: a text in ASCII lower case, without an allocation where it is short, and without a
// copy where it is in lower case already. Thread: one; lives on the stack.
#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"

namespace proxenos::route {

class FoldedText {
 public:
  explicit FoldedText(absl::string_view text) : view_(text) {
    size_t i = 0;
    while (i < text.size() && !absl::ascii_isupper(static_cast<unsigned char>(text[i]))) ++i;
    if (i == text.size()) return;
    char* copy = inline_;
    if (text.size() > sizeof(inline_)) {
      heap_.resize(text.size());
      copy = heap_.data();
    }
    for (size_t j = 0; j < text.size(); ++j) {
      copy[j] = absl::ascii_tolower(static_cast<unsigned char>(text[j]));
    }
    view_ = absl::string_view(copy, text.size());
  }
  FoldedText(const FoldedText&) = delete;
  FoldedText& operator=(const FoldedText&) = delete;

  absl::string_view view() const { return view_; }

 private:
  absl::string_view view_;
  char inline_[256];
  std::string heap_;
};

}  // namespace proxenos::route
