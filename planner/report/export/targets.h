#pragma once
// The writers behind the table of export.cpp, one file each: what a target can say, and the file.

#include "planner/report/export/export.h"

namespace aforo {

Expresses fsdp1_expresses();
Expresses fsdp2_expresses();
Expresses accelerate_deepspeed_expresses();
Expresses accelerate_plain_expresses();
Exported write_accelerate_fsdp1(const ExportRequest& request);
Exported write_accelerate_fsdp2(const ExportRequest& request);
Exported write_accelerate_deepspeed(const ExportRequest& request);
Exported write_accelerate_plain(const ExportRequest& request);

Expresses axolotl_expresses();
Exported write_axolotl(const ExportRequest& request);

Expresses deepspeed_expresses();
Exported write_deepspeed(const ExportRequest& request);

Expresses megatron_expresses();
Exported write_megatron(const ExportRequest& request);

Expresses anything();  ///< of batch systems and clouds, which start whatever trains
Exported write_skypilot(const ExportRequest& request);
Exported write_slurm(const ExportRequest& request);
Exported write_vast(const ExportRequest& request);

Expresses torchtitan_expresses();
Expresses torchtitan_toml_expresses();
Exported write_torchtitan(const ExportRequest& request);
Exported write_torchtitan_toml(const ExportRequest& request);

Expresses transformers_expresses();
Exported write_transformers(const ExportRequest& request);

Expresses yafsdp_expresses();
Exported write_yafsdp(const ExportRequest& request);

}  // namespace aforo
