// Events, the second look of network filters, and the end.
#include "source/downstream/terminal_connection.h"

#include <sys/epoll.h>

#include <utility>

#include "source/downstream/broken_socket.h"
#include "source/downstream/listener.h"
#include "source/filter/log_notes.h"

namespace proxenos::downstream {

using net::ReadStatus;

TerminalConnection::TerminalConnection(ChainService& service, Arrival arrival)
    : service_(service),
      loop_(service.listener().loop()),
      arrival_(std::move(arrival)),
      unchecked_(service.checks_first_bytes() && service.begins_at_once()) {
  if (arrival_.info.tls == nullptr) arrival_.info.requested_server_name = arrival_.server_name;
  arrival_.socket.Watch(loop_, this);
  WantAdvance();
}

void TerminalConnection::OnIo(uint32_t events) {
  if (closed_) return;
  arrival_.socket.Note(events);
  WantAdvance();
}

void TerminalConnection::Describe(filter::StreamInfo& info) {
  DescribeConnection(arrival_.info, info);
  info.start = arrival_.info.begin;
  if (info.notes != nullptr) info.notes->downstream_close = arrival_.socket.close_type();
  info.filter_chain_name = service_.chain().name;
  info.bytes_received = arrival_.socket.bytes_read();
  info.bytes_sent = arrival_.socket.bytes_written();
}

void TerminalConnection::OnTurnEnd() {
  if (closed_ || refused_) return;
  if (passage_.wait != nullptr && Broken(arrival_.socket)) {
    Close();
  } else {
    Advance();
  }
}

bool TerminalConnection::MayRead() {
  if (refused_ || !arrival_.socket.may_read()) return false;
  if (!unchecked_) return true;
  const ReadStatus status = FirstBytes(arrival_.socket);
  if (status == ReadStatus::kNothing) return false;
  if (status != ReadStatus::kError) return PassesCheck();
  unchecked_ = false;  // The read tells.
  passage_.wait.reset();
  return true;
}

bool TerminalConnection::PassesCheck() {
  const auto verdict = service_.CheckFirstBytes(arrival_, passage_, *this);
  if (passage_.wait != nullptr) return false;
  unchecked_ = false;
  if (verdict.pass) return true;
  refused_ = true;
  OnRefused(verdict);
  refusal_.emplace(loop_.timers(), [this] { Close(); });
  refusal_->ArmIn(verdict.delay);
  return false;
}

void TerminalConnection::Close(bool reset) {
  if (closed_) return;
  closed_ = true;
  NoteFailure(arrival_.socket, arrival_.info);
  OnClosing();
  if (refusal_) refusal_->Disarm();
  passage_.wait.reset();
  const auto length_ms =
      static_cast<uint64_t>((loop_.now() - arrival_.info.begin) / base::kMillisecond);
  service_.listener().stats().downstream_cx_length_ms.Record(length_ms);
  arrival_.socket.Close(reset);
  service_.listener().Remove(*this);
}

}  // namespace proxenos::downstream
