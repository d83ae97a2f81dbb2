#pragma once
// From what a user names (job, plan, engine, card, number of cards) to what the fast evaluation
// reads. Every command that plans for several devices or engines builds its setups here.

#include <string>

#include "planner/fast/cluster.h"
#include "planner/fast/engine.h"
#include "planner/fast/setup.h"
#include "planner/spec/hardware.h"
#include "planner/spec/job.h"
#include "planner/spec/machine_file.h"
#include "planner/spec/plan.h"

namespace aforo::fast {

/// The setup of a job under a plan as `engine` runs it on `card`: types, state bytes, kernels and
/// memory limits are the engine's and the card's usual ones. The model is not copied: the setup
/// points into `job`, which must outlive it. Everything else of the setup may be changed
/// afterwards; set_matrix, set_method and set_engine keep what depends on type, method and engine
/// together.
Setup setup_of(const TrainingJob& job, const Plan& plan, const EngineSpec& engine,
               const AcceleratorSpec& card);

/// `n_devices` cards in machines of the card's usual size, linked as inter_gbit_per_device says.
/// Points at `card`, which must outlive it. Throws InputError if n_devices < 1.
Cluster cluster_of(const AcceleratorSpec& card, int n_devices);

/// The same in machines of this kind: its count, links and network in place of the usual ones.
Cluster cluster_of(const AcceleratorSpec& card, const MachineSpec& machine, int n_machines);

/// Gb/s of one device's share of the network between machines: of the usual machine of the card's
/// generation (V100 machines 1 x 100, DGX A100 8 x 200, DGX H100 8 x 400, B300 and GB300 8 x 800).
/// Other cards behind PCIe: 25 Gb/s a machine, an assumption.
double inter_gbit_per_device(const AcceleratorSpec& card);

/// What is assumed about the network, as a sentence; "" if one machine holds the cluster.
std::string network_note(const Cluster& cluster);

/// bf16 where the card multiplies it, else fp16, else fp32.
MatrixType usual_matrix(const AcceleratorSpec& card);
MatrixType matrix_of(Precision precision);
/// fp32 always; tf32, fp16, bf16, fp8, fp4 where the profile has a peak for it.
bool multiplies(const AcceleratorSpec& card, MatrixType type);

/// Bytes per trained parameter of AdamW in 16-bit mixed precision, as the engine keeps them.
StateBytes usual_states(const EngineSpec& engine);
/// Memory of the card, its context, and the workspace of a cuBLAS handle.
DeviceLimits limits_of(const AcceleratorSpec& card);

/// Sets the type that products multiply, and with it states, gradients on the wire and frozen
/// weights under the setup's method. fp32 and tf32 keep everything in fp32, without a second copy.
void set_matrix(Setup& setup, const EngineSpec& engine, MatrixType type);
void set_method(Setup& setup, const EngineSpec& engine, Method method, const LoraSpec& lora = {});
/// The same setup run by another engine, AdamW's bytes included.
void set_engine(Setup& setup, const EngineSpec& engine);
/// Moments in 8 bits with an fp32 scale per block of 256: about 2 bytes per trained parameter.
void use_8bit_optimizer(Setup& setup);

}  // namespace aforo::fast
