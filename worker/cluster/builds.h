// Which program a cluster's workers run, and its exchange for another one: new workers are wanted
// in place of the old ones, lanes go over to them by hand-off, and what is not proven in time is
// taken back. Pure but for what it remembers; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace streamml::cluster {

// So long after its beginning every lane has to run on a new worker.
inline constexpr int64_t kProveUs = 60'000'000;
// A worker that ended so often soon after its start is not waited for.
inline constexpr uint32_t kTooManyEnds = 3;

class Builds {
 public:
  explicit Builds(std::string program) : wanted_{0, program}, proven_{0, std::move(program)} {}

  // Path of the program of workers that are made from now on.
  const std::string& program() const { return wanted_.program; }
  // Workers of another build have other names: those of this one, from 0.
  std::string NameOf(uint32_t index) const;

  // From now on workers with `program` are wanted. One that is under way is given up for it.
  void Begin(const std::string& program, int64_t now_us);
  bool under_way() const { return wanted_.revision != proven_.revision; }
  // What has become of it. `settled`: all lanes run on workers that are wanted, and nobody else is
  // left; `trouble`: why that will not be, empty while it may. True when it has ended: with the new
  // build, or with the one before, which is wanted again.
  bool Look(bool settled, const std::string& trouble, int64_t now_us);

  // How many were asked for, and how the last one ended: empty while it is under way.
  uint32_t num_begun() const { return num_begun_; }
  const std::string& outcome() const { return outcome_; }
  bool was_taken_back() const { return was_taken_back_; }

 private:
  struct Build {
    uint32_t revision = 0;
    std::string program;
  };
  Build wanted_;
  Build proven_;
  uint32_t num_begun_ = 0;  // the last revision
  int64_t since_us_ = 0;
  std::string outcome_;
  bool was_taken_back_ = false;
};

}  // namespace streamml::cluster
