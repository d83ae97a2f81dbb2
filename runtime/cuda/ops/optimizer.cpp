#include "runtime/cuda/ops/optimizer.h"

#include "runtime/cuda/kernel.h"
#include "runtime/cuda/ops/check.h"

namespace aforo::cuda {
namespace {

/// Tensors [begin, ...) of the op's reads, as many as one launch takes.
NormTensors tensors_from(const KernelArgs& args, int begin) {
  NormTensors list{};
  for (int i = begin; i < args.n_reads && list.n < NormTensors::most; ++i) {
    const std::int64_t numel = args.read_numels[i];
    list.tensors[list.n] = args.in<float>(i);
    list.numels[list.n] = numel;
    list.first_block[list.n + 1] = list.first_block[list.n] + (numel + norm_block - 1) / norm_block;
    ++list.n;
  }
  return list;
}

std::int64_t all_blocks(const KernelArgs& args) {
  std::int64_t blocks = 0;
  for (int i = 0; i < args.n_reads; ++i)
    blocks += (args.read_numels[i] + norm_block - 1) / norm_block;
  return blocks;
}

Dtype copy_type(bool has_copy, const KernelArgs& args, int write) {
  return has_copy ? args.write_types[write] : Dtype::fp32;
}

}  // namespace

void run(const AdamW& op, const KernelArgs& args) {
  void* copy = op.has_copy ? args.writes[3] : nullptr;
  const Dtype dtype = copy_type(op.has_copy, args, 3);
  check_launch(
      launch_adamw(args.in<float>(0), args.out<float>(0), args.out<float>(1), args.out<float>(2),
                   args.in<float>(4), args.in<float>(5), copy, dtype, op.numel,
                   {op.beta1, op.beta2, op.epsilon, op.weight_decay}, args.stream),
      op.name, {{"numel", op.numel}}, dtype);
}

void run(const GradientNorm& op, const KernelArgs& args) {
  const std::int64_t n_blocks = all_blocks(args);
  const std::int64_t needed = n_blocks * static_cast<std::int64_t>(sizeof(double));
  if (needed > args.workspace_bytes) refuse_workspace(op.name, args.workspace_bytes, needed);
  double* partial = reinterpret_cast<double*>(args.workspace);
  std::int64_t before = 0;
  for (int i = 0; i < args.n_reads;) {
    const NormTensors list = tensors_from(args, i);
    check_launch(launch_norm_parts(list, partial + before, args.stream), op.name,
                 {{"tensors", list.n}}, Dtype::fp32);
    before += list.first_block[list.n];
    i += list.n;
  }
  check_launch(launch_norm_total(partial, n_blocks, args.out<double>(0), args.stream), op.name,
               {{"blocks", n_blocks}}, Dtype::fp64);
}

void run(const Sgd& op, const KernelArgs& args) {
  const int copy_at = op.has_momentum ? 2 : 1;
  float* b = op.has_momentum ? args.out<float>(1) : nullptr;
  void* copy = op.has_copy ? args.writes[copy_at] : nullptr;
  const Dtype dtype = copy_type(op.has_copy, args, copy_at);
  check_launch(
      launch_sgd(args.in<float>(0), args.out<float>(0), b, args.in<float>(2), args.in<float>(3),
                 copy, dtype, op.numel, op.momentum, op.weight_decay, args.stream),
      op.name, {{"numel", op.numel}}, dtype);
}

void run(const StepControl& op, const KernelArgs& args) {
  const StepControlRules rules{op.clip_norm, op.dynamic_loss_scale, op.growth_interval};
  check_launch(launch_step_control(args.in<double>(0), args.out<float>(0), rules, args.stream),
               op.name, {}, Dtype::fp32);
}

}  // namespace aforo::cuda
