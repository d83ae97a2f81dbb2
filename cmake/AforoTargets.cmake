# How every target of this project is compiled.
add_library(aforo_options INTERFACE)
target_include_directories(aforo_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(aforo_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wno-missing-field-initializers $<$<BOOL:${AFORO_WERROR}>:-Werror>>)
# g++ 12 sees overlapping and overlong copies inside std::string and small_vector where there are none (GCC bug 105651), and
# loops over more than 2^61 elements.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(aforo_options INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict -Wno-stringop-overread -Wno-stringop-overflow -Wno-array-bounds -Wno-maybe-uninitialized
    -Wno-aggressive-loop-optimizations>)
endif()
if(AFORO_SANITIZE)
  target_compile_options(aforo_options INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${AFORO_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all>)
  target_link_options(aforo_options INTERFACE -fsanitize=${AFORO_SANITIZE})
endif()

# aforo_library(name SOURCES a.cpp ... LINK targets...): static library aforo_<name>, alias aforo::<name>.
function(aforo_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_library(aforo_${name} STATIC ${arg_SOURCES})
  add_library(aforo::${name} ALIAS aforo_${name})
  target_link_libraries(aforo_${name} PUBLIC aforo_options ${arg_LINK})
endfunction()

# aforo_test(name SOURCES a_test.cpp ... LINK targets...): one doctest program; a folder of tests is one program. doctest's own
# main is compiled once for all of them: it is the slowest file of the smaller programs.
function(aforo_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK;LABELS" ${ARGN})
  add_executable(aforo_${name}_tests $<TARGET_OBJECTS:aforo_test_main> ${arg_SOURCES})
  target_link_libraries(aforo_${name}_tests PRIVATE aforo_options doctest::doctest ${arg_LINK})
  target_compile_definitions(aforo_${name}_tests PRIVATE AFORO_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND aforo_${name}_tests)
  if(arg_LABELS)
    set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}")
  endif()
endfunction()
