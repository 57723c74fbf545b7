// Errors gathers everything that is wrong with one input, so that a user (or a control plane, in
// its NACK) is told all of it at once and not the first problem alone.
//
// Invariant: count() counts every error; only the first kMaxKeptErrors keep their text, so a
// hostile input cannot make the report large.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "source/config/path.h"

namespace proxenos::config {

struct Error {
  std::string path;     // Empty where the problem belongs to the input as a whole.
  std::string message;  // What was found and what was expected.

  // "path: message", or the message alone where there is no path.
  std::string ToString() const;
};

class Errors {
 public:
  static constexpr size_t kMaxKeptErrors = 100;
  // Text of one error beyond this is cut: values come from the input and may be huge.
  static constexpr size_t kMaxErrorBytes = 1024;

  // Adds one problem of the value at `path`.
  void Add(const Path& path, std::string_view message);
  // Adds "value VALUE: expected EXPECTED". VALUE is shortened where it is long.
  void AddValue(const Path& path, std::string_view value, std::string_view expected);
  // Adds each line of a status that is not OK, as a problem of the value at `path`.
  void AddLines(const Path& path, const absl::Status& status);
  // Takes over what another step found.
  void Append(const Errors& other);

  bool ok() const { return count_ == 0; }
  size_t count() const { return count_; }
  // The first kMaxKeptErrors errors in the order in which they were found.
  const std::vector<Error>& list() const { return list_; }

  // OK without errors; else InvalidArgument with one line for each error, the subject (say, a file
  // name or "cluster 'web'") before them, and a last line with the count of those left out.
  absl::Status ToStatus(std::string_view subject = {}) const;

 private:
  std::vector<Error> list_;
  size_t count_ = 0;
};

}  // namespace proxenos::config
