#pragma once
// Claims against numbers. Every function takes one evaluated change and says whether what is
// claimed holds there; every verdict quotes the figures that decided.

#include "planner/explain/strategy.h"

namespace aforo::explain {

Verdict judge_mixed_precision(const Effect& effect);  ///< up to 6x faster, half the memory
Verdict judge_over_tf32(const Effect& effect);        ///< the same claim, fairer baseline
Verdict judge_fp8(const Effect& effect);              ///< twice as fast as 16 bits
Verdict judge_recompute(const Effect& effect);        ///< 70 % less memory, 15-25 % more time
Verdict judge_zero(const Effect& effect);             ///< models 10x larger, up to 10x faster
Verdict judge_zeropp(const Effect& effect);           ///< up to 2.16x the speed of ZeRO-3
Verdict judge_fsdp(const Effect& effect);             ///< 15-20 % faster
Verdict judge_yafsdp(const Effect& effect);           ///< 10-25 % less time than FSDP
Verdict judge_8bit_optimizer(const Effect& effect);   ///< 75 % less optimizer memory
Verdict judge_offload_states(const Effect& effect);   ///< models 10x larger on one device
Verdict judge_offload_nvme(const Effect& effect);     ///< host memory spared for time
Verdict judge_offload_activations(const Effect& effect);
Verdict judge_lora(const Effect& effect);          ///< 10,000x fewer trained, 3x less memory
Verdict judge_qlora(const Effect& effect);         ///< 65B on one card of 48 GB
Verdict judge_more_devices(const Effect& effect);  ///< n times the devices, n times the speed

/// Parameters that the setup trains, over all devices.
double trained_parameters(const fast::Setup& setup);

}  // namespace aforo::explain
