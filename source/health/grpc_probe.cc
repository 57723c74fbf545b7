// The two messages of the service are read and written by hand: they have a field each.
#include "source/health/grpc_probe.h"

#include <utility>

#include "source/rpc/status.h"
#include "source/rpc/timeout.h"

namespace proxenos::health {
namespace {

constexpr char kPath[] = "/grpc.health.v1.Health/Check";
constexpr uint64_t kServing = 1;  // HealthCheckResponse.SERVING

void AppendVarint(uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

// Takes a varint from the front of `bytes`; false when there is none.
bool TakeVarint(absl::string_view& bytes, uint64_t* value) {
  *value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto octet = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    *value |= uint64_t{octet & 0x7fu} << shift;
    if ((octet & 0x80) == 0) return true;
  }
  return false;
}

// HealthCheckRequest { string service = 1; }
std::string QuestionOf(const std::string& service) {
  std::string question;
  if (service.empty()) return question;
  question.push_back(0x0a);
  AppendVarint(service.size(), question);
  return question + service;
}

}  // namespace

// HealthCheckResponse { ServingStatus status = 1; }
bool SaysServing(absl::string_view message) {
  bool serving = false;
  while (!message.empty()) {
    uint64_t tag;
    uint64_t value;
    if (!TakeVarint(message, &tag) || !TakeVarint(message, &value)) return false;
    switch (tag & 7) {
      case 0:  // A number.
        if (tag >> 3 == 1) serving = value == kServing;
        break;
      case 2:  // Bytes of that length, of a field that is not known here.
        if (value > message.size()) return false;
        message.remove_prefix(value);
        break;
      default:
        return false;
    }
  }
  return serving;
}

GrpcProbe::GrpcProbe(const upstream::HealthCheck& check, CheckCluster& cluster,
                     std::shared_ptr<const upstream::Host> target, std::string authority,
                     OnDone on_done)
    : Probe(std::move(on_done)),
      check_(check.grpc),
      cluster_(cluster),
      target_(std::move(target)),
      timeout_(check.timeout),
      authority_(std::move(authority)),
      question_(QuestionOf(check.grpc.service_name)) {}

GrpcProbe::~GrpcProbe() {
  call_.reset();
  cluster_.get()->ForgetHost(target_->id());
}

void GrpcProbe::Start() {
  serving_.reset();
  several_ = false;
  rpc::CallOptions options;
  options.path = kPath;
  options.authority = authority_;
  options.metadata.emplace_back("user-agent", "Envoy/HC");
  for (const upstream::CheckHeader& each : check_.metadata) {
    options.metadata.emplace_back(each.name, each.value);
  }
  options.metadata.emplace_back("grpc-timeout", rpc::FormatTimeout(timeout_));
  options.host = target_;
  call_ = std::make_unique<rpc::Call>(cluster_.get(), options, [this] { OnProgress(); });
  call_->Send(question_);
  call_->CloseSend();
}

void GrpcProbe::GiveUp() {
  call_.reset();
  cluster_.get()->ForgetHost(target_->id());
}

void GrpcProbe::OnProgress() {
  while (std::optional<buffer::Buffer> message = call_->Receive()) {
    several_ = several_ || serving_.has_value();
    serving_ = SaysServing(message->ToString());
  }
  if (!call_->done()) return;
  ProbeResult result =
      ProbeResult::Failed(call_->unreachable() ? Failure::kNetwork : Failure::kActive);
  result.passed = call_->status() == rpc::Status::kOk && serving_.value_or(false) && !several_;
  // The callback of the call is on the stack, and the next may be asked at once.
  cluster_.loop().Retire(std::move(call_));
  Done(result);
}

}  // namespace proxenos::health
