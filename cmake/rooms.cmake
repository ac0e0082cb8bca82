# room(NAME FOLDER LIBS ...): a static library of every .cpp below the folder except tests and main.
function(room name folder)
  cmake_parse_arguments(ROOM "" "PCH" "LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$|/main\\.cpp$|/boost_source\\.cpp$")
  add_library(guildhall_${name} STATIC ${sources})
  target_include_directories(guildhall_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
  target_link_libraries(guildhall_${name} PUBLIC ${ROOM_LIBS})
  if(ROOM_PCH)
    target_precompile_headers(guildhall_${name} PRIVATE ${ROOM_PCH})
  else()
    light_pch(guildhall_${name})
  endif()
endfunction()

# What nearly every file includes, compiled once for all targets: the first makes it.
function(light_pch target)
  if(TARGET guildhall_base AND NOT target STREQUAL guildhall_base)
    target_precompile_headers(${target} REUSE_FROM guildhall_base)
  else()
    target_precompile_headers(${target} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/light_pch.h)
  endif()
endfunction()

# embed(TARGET FOLDER PATTERN FUNCTION [STAMP]): puts files into the target; FUNCTION() lists them.
# With a STAMP the files are made during the build, and the stamp is newer than all of them.
function(embed target folder pattern function)
  string(MAKE_C_IDENTIFIER "${function}" stem)
  set(out ${CMAKE_BINARY_DIR}/embedded/${stem})
  cmake_path(ABSOLUTE_PATH folder BASE_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE absolute)
  if(ARGC GREATER 4)
    set(files ${ARGV4})
  else()
    file(GLOB_RECURSE files CONFIGURE_DEPENDS ${absolute}/${pattern})
  endif()
  add_custom_command(
    OUTPUT ${out}.S ${out}.cpp
    COMMAND ${CMAKE_COMMAND} "-DDIR=${absolute}" -DPATTERN=${pattern} -DFUNCTION=${function} "-DOUT=${out}"
            -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    VERBATIM)
  set_source_files_properties(${out}.S PROPERTIES OBJECT_DEPENDS "${files}")
  set_source_files_properties(${out}.S ${out}.cpp PROPERTIES
    SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON)
  target_sources(${target} PRIVATE ${out}.S ${out}.cpp)
endfunction()
