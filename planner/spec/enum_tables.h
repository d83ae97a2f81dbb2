#pragma once
// Names of the enumerations that users write, spelled as the enumerators.

#include "planner/base/enum_names.h"
#include "planner/spec/hardware.h"
#include "planner/spec/job.h"
#include "planner/spec/model.h"
#include "planner/spec/plan.h"

namespace aforo {

template <>
struct EnumNames<PositionKind> {
  static constexpr EnumName<PositionKind> table[] = {{PositionKind::learned, "learned"},
                                                     {PositionKind::rope, "rope"},
                                                     {PositionKind::alibi, "alibi"},
                                                     {PositionKind::none, "none"}};
};
template <>
struct EnumNames<BlockKind> {
  static constexpr EnumName<BlockKind> table[] = {
      {BlockKind::pre_norm, "pre_norm"},
      {BlockKind::parallel, "parallel"},
      {BlockKind::parallel_one_norm, "parallel_one_norm"},
      {BlockKind::post_norm, "post_norm"},
      {BlockKind::sandwich, "sandwich"}};
};
template <>
struct EnumNames<NormKind> {
  static constexpr EnumName<NormKind> table[] = {{NormKind::layer_norm, "layer_norm"},
                                                 {NormKind::rms_norm, "rms_norm"}};
};
template <>
struct EnumNames<QkNormKind> {
  static constexpr EnumName<QkNormKind> table[] = {
      {QkNormKind::none, "none"}, {QkNormKind::per_head, "per_head"}, {QkNormKind::full, "full"}};
};
template <>
struct EnumNames<ActivationKind> {
  static constexpr EnumName<ActivationKind> table[] = {
      {ActivationKind::gelu, "gelu"},  {ActivationKind::gelu_tanh, "gelu_tanh"},
      {ActivationKind::relu, "relu"},  {ActivationKind::relu2, "relu2"},
      {ActivationKind::silu, "silu"},  {ActivationKind::swiglu, "swiglu"},
      {ActivationKind::geglu, "geglu"}};
};
template <>
struct EnumNames<Precision> {
  static constexpr EnumName<Precision> table[] = {
      {Precision::fp32, "fp32"}, {Precision::bf16, "bf16"}, {Precision::fp16, "fp16"},
      {Precision::tf32, "tf32"}, {Precision::fp8, "fp8"},   {Precision::fp4, "fp4"}};
};
template <>
struct EnumNames<Sharding> {
  static constexpr EnumName<Sharding> table[] = {
      {Sharding::ddp, "ddp"},       {Sharding::zero1, "zero1"},  {Sharding::zero2, "zero2"},
      {Sharding::zero3, "zero3"},   {Sharding::fsdp, "fsdp"},    {Sharding::hsdp, "hsdp"},
      {Sharding::yafsdp, "yafsdp"}, {Sharding::zeropp, "zero++"}};
};
template <>
struct EnumNames<PipelineSchedule> {
  static constexpr EnumName<PipelineSchedule> table[] = {{PipelineSchedule::one_f_one_b, "1f1b"},
                                                         {PipelineSchedule::zb_h1, "zb_h1"},
                                                         {PipelineSchedule::zb_h2, "zb_h2"}};
};
template <>
struct EnumNames<Batching> {
  static constexpr EnumName<Batching> table[] = {{Batching::packing, "packing"},
                                                 {Batching::padding, "padding"}};
};
template <>
struct EnumNames<OffloadTo> {
  static constexpr EnumName<OffloadTo> table[] = {
      {OffloadTo::none, "none"}, {OffloadTo::cpu, "cpu"}, {OffloadTo::nvme, "nvme"}};
};
template <>
struct EnumNames<Method> {
  static constexpr EnumName<Method> table[] = {
      {Method::full, "full"}, {Method::lora, "lora"}, {Method::qlora, "qlora"}};
};
template <>
struct EnumNames<Recompute> {
  static constexpr EnumName<Recompute> table[] = {
      {Recompute::none, "none"}, {Recompute::selective, "selective"}, {Recompute::full, "full"}};
};
template <>
struct EnumNames<OptimizerKind> {
  static constexpr EnumName<OptimizerKind> table[] = {
      {OptimizerKind::adamw, "adamw"},           {OptimizerKind::sgd, "sgd"},
      {OptimizerKind::adamw_8bit, "adamw_8bit"}, {OptimizerKind::lion, "lion"},
      {OptimizerKind::adafactor, "adafactor"},   {OptimizerKind::muon, "muon"}};
};
template <>
struct EnumNames<ScheduleKind> {
  static constexpr EnumName<ScheduleKind> table[] = {{ScheduleKind::constant, "constant"},
                                                     {ScheduleKind::cosine, "cosine"},
                                                     {ScheduleKind::wsd, "wsd"}};
};
template <>
struct EnumNames<DataFormat> {
  static constexpr EnumName<DataFormat> table[] = {{DataFormat::bytes, "bytes"},
                                                   {DataFormat::uint16, "uint16"}};
};
template <>
struct EnumNames<Origin> {
  static constexpr EnumName<Origin> table[] = {{Origin::spec, "spec"},
                                               {Origin::assumed, "assumed"},
                                               {Origin::calibrated, "calibrated"},
                                               {Origin::measured, "measured"}};
};
template <>
struct EnumNames<Dtype> {
  static constexpr EnumName<Dtype> table[] = {{Dtype::fp64, name_of(Dtype::fp64)},
                                              {Dtype::fp32, name_of(Dtype::fp32)},
                                              {Dtype::bf16, name_of(Dtype::bf16)},
                                              {Dtype::fp16, name_of(Dtype::fp16)},
                                              {Dtype::int32, name_of(Dtype::int32)}};
};

}  // namespace aforo
