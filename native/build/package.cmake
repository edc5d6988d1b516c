# A package's addon holds llama.cpp and of llama-common what it calls, once all targets are there: compiling the rest takes longer than everything else
# together. What is missing would be named by the check of the package's symbols.
function(lacuna_package)
    set(used
        common.cpp fit.cpp json.cpp log.cpp ngram-cache.cpp ngram-map.cpp ngram-mod.cpp reasoning-budget.cpp sampling.cpp speculative.cpp
        trie.cpp unicode.cpp
        jinja/lexer.cpp jinja/parser.cpp jinja/runtime.cpp jinja/string.cpp jinja/value.cpp)
    list(TRANSFORM used PREPEND "${CMAKE_SOURCE_DIR}/llama.cpp/common/")
    set_property(TARGET llama-common PROPERTY SOURCES ${used})
    foreach(property LINK_LIBRARIES INTERFACE_LINK_LIBRARIES)
        get_target_property(libraries llama-common ${property})
        list(FILTER libraries EXCLUDE REGEX cpp-httplib)
        set_property(TARGET llama-common PROPERTY ${property} ${libraries})
    endforeach()

    # Nothing but Node calls the addon: what it does not need of itself goes, too.
    if (WIN32)
        foreach(target ggml-base ggml)
            target_sources(${target} PRIVATE "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/exports.c")
        endforeach()
    else()
        target_link_options(llama-addon PRIVATE "-Wl,--version-script=${CMAKE_CURRENT_FUNCTION_LIST_DIR}/addon.map")
    endif()
endfunction()

cmake_language(DEFER CALL lacuna_package)
