// Verification: of one request against what is required of it. Where keys are to be fetched first
// it waits, and is run again from the start: what it finds has no effect before Apply.
//
// Owner: the filter. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/jwt_authn/extraction.h"
#include "source/filters/http/jwt_authn/jwks_source.h"
#include "source/filters/http/jwt_authn/worker_part.h"

namespace proxenos::filters::jwt_authn {

class Verification final : private JwksSource::Waiter {
 public:
  // `on_keys` is called when it is time to run it again; it only marks.
  Verification(const Settings& settings, const Requirement& requirement, JwtPart& part,
               filter::StreamContext& stream, absl::AnyInvocable<void()> on_keys);

  // Nothing while it waits for keys.
  std::optional<Failure> Run();
  // What follows from the tokens that were accepted: headers, metadata, their removal.
  // REQUIRES: Run() returned kNone.
  void Apply();

 private:
  struct Accepted {
    const Provider* provider;
    const Place* place;
    std::shared_ptr<const Token> token;
  };
  using Result = std::optional<Failure>;

  void OnKeys() override;
  Result Check(const Requirement& requirement);
  Result CheckAny(const std::vector<Requirement>& children);
  Result CheckProvider(const Provider& provider, const std::vector<std::string>& audiences);
  // Tokens of any provider, wherever they may stand.
  Result CheckWhatThereIs(bool failures_pass);
  Result CheckToken(const Provider& provider, const std::vector<std::string>& audiences,
                    const Found& found);
  Result CheckSignature(const Provider& provider, const Token& token);
  Failure CheckClaims(const Provider& provider, const std::vector<std::string>& audiences,
                      const Token& token) const;
  // The provider whose tokens say so and stand there, or null.
  const Provider* ProviderOf(const Token& token, const Place& place) const;
  void AddHeaders(const Accepted& accepted);
  void KeepMetadata(const Accepted& accepted);

  const Settings& settings_;
  const Requirement& requirement_;
  JwtPart& part_;
  filter::StreamContext& stream_;
  absl::AnyInvocable<void()> on_keys_;
  const Provider* awaited_ = nullptr;
  std::vector<const Provider*> fetched_;  // Whose keys were waited for: once is enough.
  std::vector<Accepted> accepted_;
};

}  // namespace proxenos::filters::jwt_authn
