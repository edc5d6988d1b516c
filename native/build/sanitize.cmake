# Instruments ggml, llama.cpp and the addon, once all targets are there.
# llama-common takes longer to compile than everything else together, and hardly any of it runs here: it stays as it is.
function(lacuna_sanitize)
    foreach(target ggml-base ggml-cpu ggml llama llama-addon)
        target_compile_options(${target} PRIVATE ${LACUNA_SANITIZE} -fno-omit-frame-pointer -g1 -O1 -UNDEBUG)
        target_link_options(${target} PRIVATE ${LACUNA_SANITIZE})
    endforeach()

    # With these checks GCC does not take the address of a function for a constant (its bug 71962), and Napi::TypedThreadSafeFunction,
    # which node-llama-cpp's own files use, needs one.
    get_target_property(sources llama-addon SOURCES)
    list(FILTER sources EXCLUDE REGEX "/lacuna[^/]*$")
    set_property(SOURCE ${sources} DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY COMPILE_OPTIONS
        -fno-sanitize=null,nonnull-attribute,returns-nonnull-attribute)
endfunction()

cmake_language(DEFER CALL lacuna_sanitize)
