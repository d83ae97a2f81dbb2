# Every outside library in one place, each behind an aforo:: target.
find_package(Boost 1.74 REQUIRED COMPONENTS program_options json CONFIG)
find_package(fmt REQUIRED CONFIG)
find_package(yaml-cpp REQUIRED CONFIG)

add_library(aforo_fmt INTERFACE)
add_library(aforo::fmt ALIAS aforo_fmt)
# Header-only fmt makes a program that runs where fmt is not installed, and doubles the time to compile a file.
target_link_libraries(aforo_fmt INTERFACE $<IF:$<BOOL:${AFORO_PORTABLE}>,fmt::fmt-header-only,fmt::fmt>)

add_library(aforo_yaml INTERFACE)
add_library(aforo::yaml ALIAS aforo_yaml)
find_library(AFORO_YAML_STATIC libyaml-cpp.a)
find_path(AFORO_YAML_INCLUDE yaml-cpp/yaml.h)
if(AFORO_YAML_STATIC)   # Debian ships the archive but does not export it
  target_link_libraries(aforo_yaml INTERFACE ${AFORO_YAML_STATIC})
  target_include_directories(aforo_yaml SYSTEM INTERFACE ${AFORO_YAML_INCLUDE})
elseif(TARGET yaml-cpp::yaml-cpp)   # 0.8
  target_link_libraries(aforo_yaml INTERFACE yaml-cpp::yaml-cpp)
else()
  target_link_libraries(aforo_yaml INTERFACE yaml-cpp)
endif()

if(AFORO_TESTS)
  find_package(doctest REQUIRED CONFIG)
endif()

# Chart.js, for the charts of `aforo report`: it becomes part of the program. Debian's package is node-chart.js.
find_file(AFORO_CHART_JS NAMES chart.min.js chart.umd.js chart.umd.min.js
  PATHS /usr/share/javascript/chart.js /usr/share/nodejs/chart.js/dist NO_DEFAULT_PATH)
if(NOT AFORO_CHART_JS)
  message(STATUS "aforo: no Chart.js (package node-chart.js): HTML reports will have tables and no charts")
endif()

# oneDNN: Debian's package configuration asks for OpenCL, so the library is looked up by hand.
set(AFORO_HAVE_ONEDNN OFF)
if(AFORO_RUNTIME AND NOT AFORO_ONEDNN STREQUAL "OFF")
  find_path(AFORO_DNNL_INCLUDE dnnl.hpp)
  find_library(AFORO_DNNL_LIBRARY dnnl)
  if(AFORO_DNNL_INCLUDE AND AFORO_DNNL_LIBRARY)
    set(AFORO_HAVE_ONEDNN ON)
    add_library(aforo_onednn INTERFACE)
    add_library(aforo::onednn ALIAS aforo_onednn)
    target_include_directories(aforo_onednn SYSTEM INTERFACE ${AFORO_DNNL_INCLUDE})
    target_link_libraries(aforo_onednn INTERFACE ${AFORO_DNNL_LIBRARY})
  elseif(AFORO_ONEDNN STREQUAL "ON")
    message(FATAL_ERROR "AFORO_ONEDNN=ON, but dnnl.hpp or libdnnl was not found; install libdnnl-dev")
  endif()
endif()

if(AFORO_RUNTIME AND NOT AFORO_SANITIZE MATCHES "thread")   # libgomp is not instrumented: TSan would report it
  find_package(OpenMP COMPONENTS CXX)
endif()
message(STATUS "aforo: oneDNN ${AFORO_HAVE_ONEDNN}, OpenMP ${OpenMP_CXX_FOUND}")
