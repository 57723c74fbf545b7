// CommandWriter: one command to a Redis server, as the protocol has it: a list of texts, each with
// its size before it, so that nothing in one can be taken for another.
//
// Thread: the buffer's.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "source/buffer/buffer.h"

namespace proxenos::redis {

class CommandWriter {
 public:
  // REQUIRES: `words` calls follow.
  CommandWriter(size_t words, buffer::Buffer& out) : out_(out) {
    out_.Append(absl::StrCat("*", words, "\r\n"));
  }
  void Word(absl::string_view text) {
    out_.Append(absl::StrCat("$", text.size(), "\r\n"));
    out_.Append(text);
    out_.Append(absl::string_view("\r\n"));
  }
  // Its bytes are not copied.
  void Word(buffer::Buffer&& text) {
    out_.Append(absl::StrCat("$", text.size(), "\r\n"));
    out_.Append(std::move(text));
    out_.Append(absl::string_view("\r\n"));
  }

 private:
  buffer::Buffer& out_;
};

inline void AppendCommand(std::initializer_list<absl::string_view> words, buffer::Buffer& out) {
  CommandWriter command(words.size(), out);
  for (const absl::string_view word : words) command.Word(word);
}

}  // namespace proxenos::redis
