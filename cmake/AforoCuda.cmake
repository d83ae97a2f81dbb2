# Looks for the CUDA toolkit and enables the language. Included by runtime/cuda/CMakeLists.txt, the only folder with CUDA
# sources; sets AFORO_HAVE_CUDA there. Comments name what the stock CMake 3.25 of Debian 12 has to be told about CUDA 13.

# aforo_no_cuda(why way_out): a status message with AFORO_CUDA=AUTO, an error with ON.
macro(aforo_no_cuda why way_out)
  if(AFORO_CUDA STREQUAL "AUTO")
    message(STATUS "aforo: CUDA backend not built: ${why}")
  else()
    message(FATAL_ERROR "AFORO_CUDA=${AFORO_CUDA}, but ${why}; ${way_out}")
  endif()
endmacro()

set(AFORO_HAVE_CUDA OFF)
if(NOT AFORO_CUDA)
  message(STATUS "aforo: CUDA backend not built: AFORO_CUDA=${AFORO_CUDA}")
  return()
endif()

if(CMAKE_CUDA_COMPILER)
  set(AFORO_NVCC ${CMAKE_CUDA_COMPILER} CACHE FILEPATH "nvcc")
else()
  find_program(AFORO_NVCC nvcc HINTS ENV CUDA_HOME ENV CUDA_PATH PATHS /usr/local/cuda PATH_SUFFIXES bin)
endif()
if(NOT AFORO_NVCC)
  aforo_no_cuda("there is no nvcc" "install the CUDA toolkit, or set CUDA_HOME or AFORO_NVCC")
  return()
endif()
execute_process(COMMAND ${AFORO_NVCC} --version OUTPUT_VARIABLE nvcc_says ERROR_QUIET)
string(REGEX MATCH "release ([0-9.]+)" _ "${nvcc_says}")
if(NOT CMAKE_MATCH_1 OR CMAKE_MATCH_1 VERSION_LESS 12.4)   # C++20, and cudaLaunchKernelEx as it is used here
  aforo_no_cuda("${AFORO_NVCC} is version \"${CMAKE_MATCH_1}\", at least 12.4 is needed" "install a newer CUDA toolkit")
  return()
endif()

if(NOT CMAKE_CUDA_HOST_COMPILER AND NOT DEFINED ENV{CUDAHOSTCXX})
  set(CMAKE_CUDA_HOST_COMPILER ${CMAKE_CXX_COMPILER})   # one C++ library for both halves of the plug-in
endif()
if(NOT CMAKE_CUDA_COMPILER_LAUNCHER)
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()
set(CMAKE_CUDA_COMPILER ${AFORO_NVCC} CACHE FILEPATH "nvcc")
set(CMAKE_CUDA_ARCHITECTURES ${AFORO_CUDA_ARCHS})   # before the language is enabled, else that asks for a GPU or a default
enable_language(CUDA)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)   # 3.25 does not know that nvcc has C++20
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  list(APPEND CMAKE_CUDA_COMPILE_FEATURES cuda_std_20)
endif()
set(CMAKE_CUDA_STANDARD 20)   # only now: the compiler's own check fails with it
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)

find_package(CUDAToolkit QUIET)   # 3.25's stumbles over CUDA 13 unless the project asks for less than 3.25: it asks for 3.24
if(NOT TARGET CUDA::cublasLt)
  aforo_no_cuda("cuBLASLt was not found beside ${AFORO_NVCC}" "install libcublas-dev of the same CUDA version")
  return()
endif()
set(AFORO_HAVE_CUDA ON)
message(STATUS "aforo: CUDA ${CMAKE_CUDA_COMPILER_VERSION} for ${AFORO_CUDA_ARCHS}")
