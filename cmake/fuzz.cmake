# The fuzz targets, one program each: build/fuzz/fuzz/NAME tests/fuzz/corpus/NAME. `ninja fuzz` builds all; it needs the
# package libclang-rt-19-dev.
add_custom_target(fuzz)
file(GLOB fuzz_sources CONFIGURE_DEPENDS tests/fuzz/*_fuzz.cpp)
foreach(source IN LISTS fuzz_sources)
  get_filename_component(name ${source} NAME_WE)
  string(REGEX REPLACE "_fuzz$" "" name ${name})
  add_executable(fuzz_${name} ${source} tests/fuzz/fuzz.cpp tests/fuzz/libfuzzer_main.cpp
                 tests/support/temporary_folder.cpp)
  target_include_directories(fuzz_${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
  target_compile_definitions(fuzz_${name} PRIVATE GUILDHALL_FUZZ_TARGET=${name})
  target_link_libraries(fuzz_${name} PRIVATE guildhall_web pg_query)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz OUTPUT_NAME ${name})
  add_dependencies(fuzz fuzz_${name})
endforeach()

# toml++ 3.3 says of letters such as U+041B that they cannot be (is_non_ascii_horizontal_whitespace).
set_source_files_properties(src/base/config.cpp PROPERTIES COMPILE_OPTIONS -fno-sanitize=unreachable)
