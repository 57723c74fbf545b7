// TLS records between a socket and the application's buffers.
//
// Ciphertext is read from the socket into a lent slab, many records at once; BoringSSL takes it
// from there through a BIO. What BoringSSL writes is gathered and leaves in one system call. All
// connections of a thread share one BIO: it serves the transport that is at work.
#include "source/tls/tls_transport.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "openssl/bio.h"
#include "openssl/err.h"
#include "openssl/ssl.h"
#include "source/base/check.h"
#include "source/base/limits.h"
#include "source/net/connection.h"
#include "source/tls/connection_state.h"
#include "source/tls/context_state.h"
#include "source/tls/crypto_error.h"
#include "source/tls/session_facts.h"
#include "source/tls/session_store.h"

namespace proxenos::tls {
namespace {

using net::FlushStatus;
using net::ReadStatus;

// RFC 8446 section 5.1.
constexpr uint32_t kMaxRecordBytes = 16 * 1024;
// A slice of at least so many bytes becomes a record of its own, without being copied first.
constexpr uint32_t kOwnRecordBytes = 8 * 1024;
// What is encrypted ahead of the socket: what a send buffer takes at once, and no more, for what is
// encrypted cannot be dropped or moved any more.
constexpr uint64_t kSealedBytes = 4 * kMaxRecordBytes;

bssl::UniquePtr<SSL> NewSsl(const ContextState& context) {
  bssl::UniquePtr<SSL> ssl(SSL_new(context.ssl.get()));
  CHECK(ssl != nullptr);
  // Gives the handshake's memory back once it is done.
  SSL_set_shed_handshake_config(ssl.get(), 1);
  return ssl;
}

class SslTransport final : public TlsTransport {
 public:
  SslTransport(base::Held<ServerContext> context, stats::TlsStats& stats)
      : server_(std::move(context)),
        connection_((*server_)->state(), /*to_resume=*/nullptr, stats),
        ssl_(NewSsl(connection_.context)) {
    SSL_set_accept_state(ssl_.get());
  }
  SslTransport(base::Held<ClientContext> context, const ClientTarget& target,
               stats::TlsStats& stats)
      : client_(std::move(context)),
        connection_((*client_)->state(), (*client_)->sessions(), stats),
        ssl_(NewSsl(connection_.context)) {
    Aim(target);
    SSL_set_connect_state(ssl_.get());
  }
  SslTransport(const SslTransport&) = delete;
  SslTransport& operator=(const SslTransport&) = delete;

  Handshake Advance(net::Connection& socket) override;
  ReadStatus Read(net::Connection& socket, buffer::Slice* bytes) override;
  FlushStatus Flush(net::Connection& socket, buffer::Buffer& out) override;
  bool buffered() const override { return !incoming_.empty() || unread_; }
  void ShutdownWrite(net::Connection& socket) override;
  bool truncated() const override { return truncated_; }
  absl::string_view protocol() const override;
  absl::string_view failure() const override {
    return failure_ == nullptr ? absl::string_view() : *failure_;
  }
  const SessionInfo& session() const override { return *shared_session(); }
  base::Rc<SessionInfo> shared_session() const override;

  // For the BIO.
  size_t TakeCiphertext(char* room, size_t size);
  void AddCiphertext(absl::string_view bytes);

 private:
  class Turn;
  enum class Stage : uint8_t { kHandshake, kOpen, kFailed };

  void Aim(const ClientTarget& target);
  void Start(net::Connection& socket);
  ReadStatus Fill(net::Connection& socket);
  bool Complete();
  bool JudgeResumed();
  Handshake Fail(net::Connection& socket, absl::string_view why);
  void Break();
  uint32_t Decrypt(char* room, uint32_t size);
  bool Seal(buffer::Buffer& out);
  bool SealGathered(buffer::Buffer& out);

  // One of the two is set: it keeps connection_.context.
  base::Held<ServerContext> server_;
  base::Held<ClientContext> client_;
  ConnectionState connection_;
  bssl::UniquePtr<SSL> ssl_;

  Stage stage_ = Stage::kHandshake;
  bool started_ = false;
  bool unread_ = false;     // SSL_read has more to tell, or ended with what is not told yet.
  bool reading_ = false;    // Within SSL_read: lent room is in use.
  bool ended_ = false;      // The peer's close_notify came.
  bool truncated_ = false;  // The socket ended without it.
  bool goodbye_ = false;    // close_notify was made.
  buffer::Slice incoming_;  // Ciphertext that BoringSSL has not taken yet.
  buffer::Buffer outgoing_;
  std::unique_ptr<std::string> aside_;  // Ciphertext made while reading_.
  std::unique_ptr<std::string> failure_;
  mutable base::Rc<SessionInfo> facts_;
};

// The BIO of the thread, and whom it serves.

thread_local SslTransport* serving = nullptr;

int BioRead(BIO* bio, char* room, int size) {
  BIO_clear_retry_flags(bio);
  const size_t taken = serving->TakeCiphertext(room, static_cast<size_t>(size));
  if (taken > 0) return static_cast<int>(taken);
  BIO_set_retry_read(bio);
  return -1;
}

int BioWrite(BIO* /*bio*/, const char* bytes, int size) {
  serving->AddCiphertext(absl::string_view(bytes, static_cast<size_t>(size)));
  return size;
}

long BioControl(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

bssl::UniquePtr<BIO_METHOD> MakeBioMethod() {
  bssl::UniquePtr<BIO_METHOD> method(
      BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "transport"));
  BIO_meth_set_read(method.get(), &BioRead);
  BIO_meth_set_write(method.get(), &BioWrite);
  BIO_meth_set_ctrl(method.get(), &BioControl);
  return method;
}

// A reference to the thread's BIO.
bssl::UniquePtr<BIO> ThreadBio() {
  static const BIO_METHOD* const method = MakeBioMethod().release();
  static thread_local const bssl::UniquePtr<BIO> bio = [] {
    bssl::UniquePtr<BIO> made(BIO_new(method));
    BIO_set_init(made.get(), 1);
    return made;
  }();
  return bssl::UpRef(bio);
}

// While it lives, BoringSSL works for `transport` on this thread.
class SslTransport::Turn {
 public:
  explicit Turn(SslTransport& transport) : active_(transport.connection_), previous_(serving) {
    serving = &transport;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() { serving = previous_; }

 private:
  const ActiveConnection active_;
  SslTransport* const previous_;
};

size_t SslTransport::TakeCiphertext(char* room, size_t size) {
  const uint32_t part = static_cast<uint32_t>(std::min<size_t>(size, incoming_.size()));
  if (part == 0) return 0;
  std::memcpy(room, incoming_.data(), part);
  incoming_.RemovePrefix(part);
  if (incoming_.empty()) incoming_ = buffer::Slice();
  return part;
}

// The pool's room is lent to the plaintext while reading: then what is written (an alert) waits.
void SslTransport::AddCiphertext(absl::string_view bytes) {
  if (!reading_) {
    outgoing_.Append(bytes);
    return;
  }
  if (aside_ == nullptr) aside_ = std::make_unique<std::string>();
  absl::StrAppend(aside_.get(), bytes);
}

void SslTransport::Aim(const ClientTarget& target) {
  const ClientOptions& options = connection_.context.client;
  auto intent = std::make_unique<ClientIntent>();
  intent->sni = target.sni.empty() ? options.sni : target.sni;
  intent->verify_host = target.verify_san;
  intent->verify_sni = options.auto_sni_san_validation;
  if (!intent->sni.empty() && SSL_set_tlsext_host_name(ssl_.get(), intent->sni.c_str()) != 1) {
    // Without it the peer would answer for whomever it likes.
    stage_ = Stage::kFailed;
    failure_ = std::make_unique<std::string>("a server name that is too long for SNI");
    ERR_clear_error();
  }
  // A list that cannot be encoded was refused when the context was made.
  const std::string alpn = target.alpn.empty()
                               ? connection_.context.alpn
                               : EncodeAlpn(target.alpn).value_or(connection_.context.alpn);
  SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const uint8_t*>(alpn.data()), alpn.size());
  if (connection_.sessions != nullptr) {
    // ALPN is not a part of it: the protocol of a resumed session is negotiated anew.
    intent->session_key = absl::StrCat(intent->sni, " ", intent->verify_host);
    const bssl::UniquePtr<SSL_SESSION> session = connection_.sessions->Find(intent->session_key);
    if (session != nullptr) SSL_set_session(ssl_.get(), session.get());
  }
  connection_.client = std::move(intent);
}

// One read of the socket, if there may be something. REQUIRES: nothing of the last one is left.
ReadStatus SslTransport::Fill(net::Connection& socket) {
  if (!socket.may_read()) return ReadStatus::kNothing;
  buffer::SlabPool& pool = buffer::SlabPool::ThisThread();
  const buffer::SlabPool::Room room = pool.Lend(base::limits::kMinReadBytes);
  uint32_t got = 0;
  const ReadStatus status = socket.ReadRaw(room.data, room.size, &got);
  if (status == ReadStatus::kBytes) incoming_ = pool.Take(got);
  return status;
}

net::Transport::Handshake SslTransport::Advance(net::Connection& socket) {
  if (stage_ == Stage::kFailed) return Handshake::kFailed;
  const Turn turn(*this);
  if (!started_) Start(socket);
  for (;;) {
    const int result = stage_ == Stage::kOpen ? 1 : SSL_do_handshake(ssl_.get());
    if (result != 1 && SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) {
      return Fail(socket, "");
    }
    if (result == 1 && stage_ != Stage::kOpen && !Complete()) return Fail(socket, "");
    const FlushStatus flushed = socket.WriteRaw(outgoing_);
    if (flushed == FlushStatus::kError) {
      return Fail(socket, "the connection broke during the TLS handshake");
    }
    if (result == 1) {
      // What ends the handshake must have left before its owner forgets about it.
      return flushed == FlushStatus::kBlocked ? Handshake::kWantsIo : Handshake::kDone;
    }
    switch (Fill(socket)) {
      case ReadStatus::kBytes:
        break;
      case ReadStatus::kNothing:
        return Handshake::kWantsIo;
      case ReadStatus::kEnd:
        return Fail(socket, "the peer closed during the TLS handshake");
      case ReadStatus::kError:
        return Fail(socket, "the connection broke during the TLS handshake");
    }
  }
}

void SslTransport::Start(net::Connection& socket) {
  started_ = true;
  bssl::UniquePtr<BIO> bio = ThreadBio();
  SSL_set_bio(ssl_.get(), bio.get(), bio.get());  // Takes one reference for both.
  static_cast<void>(bio.release());
  const KeyLog* log = connection_.context.key_log.get();
  connection_.logs_keys = log != nullptr && log->Wants(socket.fd());
  // What was read to look at it (a listener filter) is the first of the handshake.
  incoming_ = socket.TakeHeld();
}

// False: a resumed session is not to be trusted any more.
bool SslTransport::Complete() {
  if (!JudgeResumed()) return false;
  stage_ = Stage::kOpen;
  unread_ = SSL_pending(ssl_.get()) > 0;
  stats::TlsStats& stats = connection_.stats;
  stats.handshake.Inc();
  if (SSL_session_reused(ssl_.get()) != 0) stats.session_reused.Inc();
  const STACK_OF(CRYPTO_BUFFER)* chain = SSL_get0_peer_certificates(ssl_.get());
  if (chain == nullptr || sk_CRYPTO_BUFFER_num(chain) == 0) stats.no_certificate.Inc();
  return true;
}

// A client's certificate is judged again when its session is resumed: it may have expired since,
// and a ticket does not tell what was found. A server's was judged by this very context.
bool SslTransport::JudgeResumed() {
  const Verifier* verifier = connection_.context.verifier.get();
  if (SSL_session_reused(ssl_.get()) == 0 || verifier == nullptr) return true;
  const STACK_OF(CRYPTO_BUFFER)* chain = SSL_get0_peer_certificates(ssl_.get());
  if (chain == nullptr || sk_CRYPTO_BUFFER_num(chain) == 0) return true;
  if (connection_.client != nullptr && !verifier->accepts_untrusted()) {
    connection_.validated = verifier->verifies();
    return true;
  }
  uint8_t alert = SSL_AD_CERTIFICATE_UNKNOWN;
  if (JudgePeer(ssl_.get(), &alert)) return true;
  SSL_send_fatal_alert(ssl_.get(), alert);
  return false;
}

// `why` is told when BoringSSL has nothing to say.
net::Transport::Handshake SslTransport::Fail(net::Connection& socket, absl::string_view why) {
  stage_ = Stage::kFailed;
  stats::TlsStats& stats = connection_.stats;
  const uint32_t error = ERR_peek_error();
  if (ERR_GET_LIB(error) == ERR_LIB_SSL &&
      ERR_GET_REASON(error) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
    stats.fail_verify_no_cert.Inc();
  } else if (error != 0 && !connection_.refused) {
    // A refused certificate has its own counter; a peer that just leaves made no error.
    stats.connection_error.Inc();
  }
  const std::string detail = connection_.fault == nullptr ? std::string() : *connection_.fault;
  failure_ = std::make_unique<std::string>(TakeCryptoErrors(detail));
  if (failure_->empty()) *failure_ = why.empty() ? detail : std::string(why);
  if (!outgoing_.empty()) socket.WriteRaw(outgoing_);
  return Handshake::kFailed;
}

// Decrypts into `room` until it is full or ciphertext runs out; returns how many bytes.
uint32_t SslTransport::Decrypt(char* room, uint32_t size) {
  reading_ = true;
  uint32_t total = 0;
  int result = 1;
  bool more = true;
  while (total < size && more) {
    result = SSL_read(ssl_.get(), room + total, static_cast<int>(size - total));
    if (result > 0) total += static_cast<uint32_t>(result);
    // BoringSSL takes one record at a time, so without ciphertext it has nothing but its rest.
    more = result > 0 && (!incoming_.empty() || SSL_pending(ssl_.get()) > 0);
  }
  reading_ = false;
  const int error = result > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), result);
  unread_ = result > 0 ? more : error != SSL_ERROR_WANT_READ;
  ended_ = error == SSL_ERROR_ZERO_RETURN;
  return total;
}

ReadStatus SslTransport::Read(net::Connection& socket, buffer::Slice* bytes) {
  if (stage_ != Stage::kOpen) return ReadStatus::kError;
  const Turn turn(*this);
  buffer::SlabPool& pool = buffer::SlabPool::ThisThread();
  for (;;) {
    if (!buffered()) {
      const ReadStatus status = Fill(socket);
      if (status == ReadStatus::kEnd) truncated_ = true;
      if (status != ReadStatus::kBytes) return status;
    }
    const buffer::SlabPool::Room room = pool.Lend(base::limits::kMinReadBytes);
    const uint32_t got = Decrypt(room.data, room.size);
    if (got > 0) *bytes = pool.Take(got);
    if (aside_ != nullptr) {
      outgoing_.Append(*aside_);
      aside_.reset();
      socket.WriteRaw(outgoing_);
    }
    if (got > 0) return ReadStatus::kBytes;
    if (unread_) break;
  }
  unread_ = false;
  incoming_ = buffer::Slice();  // Nothing may follow an end.
  if (ended_) return ReadStatus::kEnd;
  Break();
  return ReadStatus::kError;
}

// After an error that BoringSSL told of.
void SslTransport::Break() {
  stage_ = Stage::kFailed;
  connection_.stats.connection_error.Inc();
  failure_ = std::make_unique<std::string>(TakeCryptoErrors(""));
}

FlushStatus SslTransport::Flush(net::Connection& socket, buffer::Buffer& out) {
  if (stage_ != Stage::kOpen) {
    // Alerts and flights only. Nothing of the application's leaves before the peer is known.
    const FlushStatus status = socket.WriteRaw(outgoing_);
    if (status != FlushStatus::kDone || out.empty()) return status;
    return stage_ == Stage::kFailed ? FlushStatus::kError : FlushStatus::kBlocked;
  }
  const Turn turn(*this);
  for (;;) {
    if (!Seal(out)) {
      Break();
      return FlushStatus::kError;
    }
    const FlushStatus status = socket.WriteRaw(outgoing_);
    if (status != FlushStatus::kDone || out.empty()) return status;
  }
}

// Encrypts from the front of `out` until enough is ready to leave.
bool SslTransport::Seal(buffer::Buffer& out) {
  while (!out.empty() && outgoing_.size() < kSealedBytes) {
    const buffer::Slice& front = out.front();
    if (front.size() < kOwnRecordBytes && out.slice_count() > 1) {
      if (!SealGathered(out)) return false;
      continue;
    }
    const uint32_t part = std::min(front.size(), kMaxRecordBytes);
    if (SSL_write(ssl_.get(), front.data(), static_cast<int>(part)) != static_cast<int>(part)) {
      return false;
    }
    out.Drain(part);
  }
  return true;
}

// One record of many small slices. REQUIRES: there are some.
bool SslTransport::SealGathered(buffer::Buffer& out) {
  char gathered[kMaxRecordBytes];
  uint32_t size = 0;
  size_t i = 0;
  do {
    const buffer::Slice& slice = out.slice(i);
    if (i > 0 && slice.size() >= kOwnRecordBytes) break;
    const uint32_t part = std::min(slice.size(), kMaxRecordBytes - size);
    std::memcpy(gathered + size, slice.data(), part);
    size += part;
  } while (++i < out.slice_count() && size < kMaxRecordBytes);
  if (SSL_write(ssl_.get(), gathered, static_cast<int>(size)) != static_cast<int>(size)) {
    return false;
  }
  out.Drain(size);
  return true;
}

void SslTransport::ShutdownWrite(net::Connection& socket) {
  if (stage_ != Stage::kOpen || goodbye_) return;
  goodbye_ = true;
  const Turn turn(*this);
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  socket.WriteRaw(outgoing_);
}

absl::string_view SslTransport::protocol() const {
  const uint8_t* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &protocol, &size);
  return absl::string_view(reinterpret_cast<const char*>(protocol), size);
}

base::Rc<SessionInfo> SslTransport::shared_session() const {
  if (!facts_) {
    facts_ = base::Rc<SessionInfo>(std::make_unique<SessionFacts>(*ssl_, connection_));
  }
  return facts_;
}

}  // namespace

std::unique_ptr<TlsTransport> MakeServerTransport(base::Held<ServerContext> context,
                                                  stats::TlsStats& stats) {
  return std::make_unique<SslTransport>(std::move(context), stats);
}

std::unique_ptr<TlsTransport> MakeClientTransport(base::Held<ClientContext> context,
                                                  const ClientTarget& target,
                                                  stats::TlsStats& stats) {
  return std::make_unique<SslTransport>(std::move(context), target, stats);
}

}  // namespace proxenos::tls
