# Included right after project() of node-llama-cpp's addon.

# Before the node-addon-api that CMakeLists.txt finds by itself: from the folder of our sources, that is another package's, of an older version.
include_directories(${CMAKE_JS_INC})

if (LACUNA_SANITIZE)
    include("${CMAKE_CURRENT_LIST_DIR}/sanitize.cmake")
endif()
if (LACUNA_PACKAGE)
    include("${CMAKE_CURRENT_LIST_DIR}/package.cmake")
endif()
