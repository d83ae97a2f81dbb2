#pragma once
// Which rank of how many a launcher (mpirun, srun) started this process as.

namespace aforo {

struct Launch {
  int rank = 0;
  int n_ranks = 1;
};

/// From what launchers set: OMPI_COMM_WORLD_RANK and _SIZE (Open MPI), PMI_RANK and PMI_SIZE (MPICH,
/// Intel MPI, srun with pmi2), SLURM_PROCID and SLURM_NTASKS where PMIX_RANK says that srun started
/// it. One rank without them. Throws InputError if they make no sense.
Launch read_launch();

}  // namespace aforo
