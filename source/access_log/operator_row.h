// Row: one line of the tables of command operators: its name, what may follow it, how it is read.
// Used by the tables only.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "source/access_log/operator.h"

namespace proxenos::access_log {

// What may follow an operator's name.
enum Syntax : uint8_t { kPlain = 0, kMayHave = 1, kMustHave = 2, kLimit = 4 };

struct Row {
  absl::string_view name;
  Operator::Read read;
  int syntax = kPlain;
  absl::Status (*configure)(absl::string_view argument, Operator& out) = nullptr;
};

// Of TLS, both sides (tls_operator_table.cc), of connections (connection_operator_table.cc), and
// of what only notes tell (notes_operator_table.cc).
absl::Span<const Row> TlsRows();
absl::Span<const Row> ConnectionRows();
absl::Span<const Row> NotesRows();

// Of every operator that has an instant at each end.
Value ReadDuration(const Operator& self, const FormatInput& input, Scratch&);

// COALESCE (coalesce_operator.cc).
absl::Status CompileCoalesce(absl::string_view argument, const OperatorExtensions& extensions,
                             Operator& out);
Value ReadCoalesce(const Operator& self, const FormatInput& input, Scratch& scratch);

// CEL and TYPED_CEL (cel_operator.cc).
absl::Status CompileCel(absl::string_view argument, Operator& out);
Value ReadCel(const Operator& self, const FormatInput& input, Scratch& scratch);
Value ReadTypedCel(const Operator& self, const FormatInput& input, Scratch& scratch);

// For operators that show a time in a format.
template <bool kLocal>
absl::Status ConfigureTime(absl::string_view argument, Operator& out) {
  absl::StatusOr<TimeFormat> format = TimeFormat::Compile(argument, kLocal);
  if (!format.ok()) return format.status();
  out.time = *std::move(format);
  return absl::OkStatus();
}

}  // namespace proxenos::access_log
