// LeastPick: the choosing of least request, whatever weights hosts have at the moment: of some that
// are drawn by weight, or of all, the one with the fewest requests under way for its weight.
//
// Thread: its caller's (nothing is kept).
#pragma once

#include <cmath>
#include <cstdint>

#include "source/base/random.h"
#include "source/upstream/balancing.h"
#include "source/upstream/schedule.h"

namespace proxenos::upstream {

// `Active`: requests under way to a host. `Weight`: what its load is compared by.
template <typename Active, typename Weight>
class LeastPick {
 public:
  LeastPick(const LeastRequestOptions& options, const Active& active, const Weight& weight)
      : options_(options), active_(active), weight_(weight) {}

  // REQUIRES: `hosts` has some.
  uint32_t Pick(const Schedule& hosts, base::Random& random) const {
    // As Envoy: the bias shapes weights that differ; with none of it they alone decide.
    const bool blind = options_.bias == 0 && !hosts.uniform();
    if (hosts.size() == 1 || blind) return hosts.Draw(random);
    return options_.choices == 0 ? OfAll(hosts, random) : OfSome(hosts, random);
  }

 private:
  double ActiveOf(uint32_t host, bool uniform) const {
    const double active = active_(host);
    return options_.bias == 1 || uniform ? active : std::pow(active, options_.bias);
  }

  uint32_t OfSome(const Schedule& hosts, base::Random& random) const {
    uint32_t best = hosts.Draw(random);
    double best_active = ActiveOf(best, hosts.uniform());
    for (uint32_t i = 1; i < options_.choices; ++i) {
      const uint32_t other = hosts.Draw(random);
      const double active = ActiveOf(other, hosts.uniform());
      // Fewer in proportion to the weight. The first drawn wins a tie, so that idle hosts are
      // chosen as often as they are drawn: by weight.
      if (active * weight_(best) < best_active * weight_(other)) {
        best = other;
        best_active = active;
      }
    }
    return best;
  }

  // One of those that have the fewest, each as likely as its weight says.
  uint32_t OfAll(const Schedule& hosts, base::Random& random) const {
    uint32_t best = hosts.HostOfMember(0);
    double best_active = ActiveOf(best, hosts.uniform());
    uint64_t tied = hosts.WeightOfMember(0);
    for (uint32_t i = 1; i < hosts.size(); ++i) {
      const uint32_t other = hosts.HostOfMember(i);
      const double active = ActiveOf(other, hosts.uniform());
      const double more = active * weight_(best) - best_active * weight_(other);
      if (more > 0) continue;
      const uint32_t share = hosts.WeightOfMember(i);
      tied = more < 0 ? share : tied + share;
      if (random.Below(tied) >= share) continue;
      best = other;
      best_active = active;
    }
    return best;
  }

  const LeastRequestOptions options_;
  const Active& active_;
  const Weight& weight_;
};

}  // namespace proxenos::upstream
