#pragma once
// Where a job is trained: accelerator profiles, prices, and what a calibration measured.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "planner/base/dtype.h"
#include "planner/base/units.h"

namespace aforo {

/// Where a number comes from. Every figure that a user decides on is shown with it.
enum class Origin { spec, assumed, calibrated, measured };

struct LinkSpec {
  std::string kind;
  BytesPerSecond bandwidth;   ///< one direction, per device, inside one machine
  BytesPerSecond all_reduce;  ///< default bus bandwidth of an all-reduce inside one machine
  bool p2p = true;
};

struct AcceleratorSpec {
  std::string name;
  std::string vendor;
  std::string kind;  ///< gpu, tpu, custom, cpu
  std::vector<std::string> aliases;
  int year = 0;
  Bytes memory;         ///< as the data sheet says
  Bytes usable_memory;  ///< as the driver reports; `memory` when unknown
  BytesPerSecond memory_bandwidth;
  std::map<std::string, FlopsPerSecond>
      peak_dense;                             ///< by fp32, tf32, fp16, bf16, fp8: no sparsity
  double gemm_efficiency = 0.7;               ///< share of the peak that large products reach
  std::optional<double> gemm_fp8_efficiency;  ///< the same for fp8; no op multiplies in fp8 yet
  double memory_efficiency = 0.8;  ///< share of the bandwidth that streaming passes reach
  std::string efficiency_origin;
  Seconds launch_overhead;  ///< floor of any op, as published; predictions use a calibrated gap
  Bytes context_memory;     ///< what context and libraries take before the first buffer
  std::string compute_capability;
  Watts tdp;
  LinkSpec link;
  int per_node = 1;
  std::string source;
};

/// One way to rent: an instance of one provider in one region. `kind` is on_demand, community, spot,
/// interruptible or reserved (profiles/README.md).
struct Offer {
  std::string provider, region, accelerator, kind, as_of, confidence, source;
  std::string machine;  ///< the provider's name of the instance type or of the host; may be empty
  int count = 1;
  DollarsPerHour price;  ///< of the whole instance
  // What a single host asks for, where hosts differ; else the provider's tariff holds.
  std::optional<double> disk_usd_per_gb_month, upload_usd_per_gb, download_usd_per_gb;
};

struct PriceList {
  std::string as_of;
  std::vector<Offer> offers;
};

/// One matrix product that was timed: C[m,n] = op(A) op(B), `layout` is "nn", "nt" or "tn" (t:
/// transposed operand).
struct GemmPoint {
  Dtype dtype;  ///< of A and B
  std::string layout;
  bool accumulate = false;  ///< C += instead of C =
  std::int64_t m = 0, n = 0, k = 0;
  FlopsPerSecond rate;
};

/// One pass (any other op) that was timed: `op` is the op's name in a program, `size` its declared
/// bytes (or FLOPs for attention), `time` its median.
struct PassPoint {
  std::string op;
  Dtype dtype;
  double size = 0;  ///< declared bytes; declared FLOPs for attention
  std::int64_t width =
      0;  ///< what efficiency depends on: columns; head_dim (rope, q/k norm); vocabulary (loss);
          ///< d_model (embedding); seq_len (attention); 1 for flat passes
  Seconds time;
};

/// What `aforo calibrate` measured on one machine, with the date and what it was measured with.
struct Calibration {
  std::string name;
  std::string date;
  std::string device;   ///< "AMD EPYC 9R14, 2 threads"
  std::string backend;  ///< "cpu oneDNN 2.6.3 avx512"
  int n_threads = 0;
  Bytes memory;                             ///< that a program may use
  std::map<Dtype, Bytes> process_overhead;  ///< resident memory beside the arena, by compute type:
                                            ///< libraries allocate by it
  BytesPerSecond copy_bandwidth;            ///< read + write counted
  Seconds op_overhead;                      ///< of the executor, per op
  std::vector<GemmPoint> gemm;
  std::vector<PassPoint> passes;
};

}  // namespace aforo
