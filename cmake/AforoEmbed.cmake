# Text files made part of the program.

# aforo_embed(out (name file)...): writes the C++ file `out`, which defines for each pair a function of namespace aforo that gives
# the file's text; the file "none" is "". Made anew when a file changes.
function(aforo_embed out)
  set(text "// Made by cmake/AforoEmbed.cmake.\n#include <string_view>\n\nnamespace aforo {\n")
  set(pairs ${ARGN})
  while(pairs)
    list(POP_FRONT pairs name file)
    set(content "")
    if(NOT file STREQUAL "none")
      file(READ ${file} content)
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    endif()
    string(APPEND text "std::string_view ${name}() {\n  return R\"aforo_text(${content})aforo_text\";\n}\n")
  endwhile()
  string(APPEND text "}  // namespace aforo\n")
  set(before "")
  if(EXISTS ${out})
    file(READ ${out} before)
  endif()
  if(NOT text STREQUAL before)   # an older file that stays the same is not compiled again
    file(WRITE ${out} "${text}")
  endif()
endfunction()
